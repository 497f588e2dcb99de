"""Models in the official clients: listed, shown, made, copied, pushed, pulled; and tokens."""

import secrets

import ollama
import pytest
from driven_client import DrivenClient
from gguf_writer import tiny_llama
from servers import BEARER


def names(client):
    return [model.model for model in client.list().models]


def test_list_and_ps(client):
    client.generate("guide")
    listed, loaded = client.list(), client.ps()
    assert isinstance(listed, ollama.ListResponse)
    assert isinstance(loaded, ollama.ProcessResponse)
    (guide,) = [model for model in listed.models if model.model == "guide:latest"]
    (process,) = [model for model in loaded.models if model.model == "guide:latest"]
    assert (guide.digest, guide.details.family) == (process.digest, "llama")
    assert guide.size > 4_000_000
    assert process.expires_at.tzinfo is not None


def test_show(client):
    shown = client.show("guide")
    assert isinstance(shown, ollama.ShowResponse)
    assert shown.modelinfo["general.architecture"] == "llama"
    assert {"completion", "tools"} <= set(shown.capabilities)
    assert "{{" in shown.template
    with pytest.raises(ollama.ResponseError, match=r"model 'nope.*' not found") as caught:
        client.show("nope")
    assert caught.value.status_code == 404


def test_copy_and_delete(client, name):
    assert client.copy("guide", name).status == "success"
    assert client.show(name).template == client.show("guide").template
    assert client.delete(name).status == "success"
    assert name not in names(client)
    with pytest.raises(ollama.ResponseError, match="not found") as caught:
        client.delete(name)
    assert caught.value.status_code == 404
    with pytest.raises(ollama.ResponseError, match="not found"):
        client.copy("nope", name)


def test_create_from_a_model(client, name):
    told = client.create(
        model=name, from_="guide", system="Be brief.", template="{{ .System }} {{ .Prompt }}",
        license=["MIT", "BSD"], parameters={"temperature": 0, "stop": ["a", "b"]},
        messages=[{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Ho"}],
        stream=True,
    )  # fmt: skip
    told = list(told)
    assert isinstance(told[0], ollama.ProgressResponse)
    assert told[-1].status == "success"
    shown = client.show(name)
    assert "SYSTEM Be brief." in shown.modelfile
    assert shown.template == "{{ .System }} {{ .Prompt }}"
    assert shown.license.endswith("MIT\nBSD")
    assert shown.parameters.split() == ["stop", '"a"', "stop", '"b"', "temperature", "0"]
    assert "MESSAGE assistant Ho" in shown.modelfile
    with pytest.raises(ollama.ResponseError):
        client.create(model=name)


def test_create_of_a_file(client, name, tmp_path):
    path = tmp_path / "weights.gguf"
    path.write_bytes(tiny_llama().encode())
    digest = client.create_blob(path)
    assert client.create_blob(str(path)) == digest
    answer = client.create(model=name, files={"weights.gguf": digest}, quantize="q8_0")
    assert (answer.status, name in names(client)) == ("success", True)
    assert client.show(name).details.quantization_level == "Q8_0"


def test_create_of_an_unknown_file(client, name):
    with pytest.raises(ollama.ResponseError) as caught:
        list(client.create(model=name, files={"x.gguf": "sha256:" + "0" * 64}, stream=True))
    assert "sha256:000000" in caught.value.error


@pytest.fixture
def remote(client, registry):
    """A name in the registry, of a copy of the guide that is gone afterwards."""
    name = f"{registry.host}/library/o{secrets.token_hex(4)}:latest"
    client.copy("guide", name)
    yield name
    if name in names(client):
        client.delete(name)


def test_push_and_pull(client, remote):
    assert client.push(remote, insecure=True).status == "success"
    client.delete(remote)
    told = list(client.pull(remote, insecure=True, stream=True))
    assert isinstance(told[0], ollama.ProgressResponse)
    assert (told[0].status, told[-1].status) == ("pulling manifest", "success")
    assert all(0 <= (part.completed or 0) <= part.total for part in told if part.digest)
    digests = {model.model: model.digest for model in client.list().models}
    assert digests[remote] == digests["guide:latest"]
    assert client.pull(remote, insecure=True).status == "success"
    told = list(client.push(remote, insecure=True, stream=True))
    assert (told[0].status, told[-1].status) == ("retrieving manifest", "success")


def test_pull_of_what_is_not_there(client, registry):
    for stream in (False, True):
        with pytest.raises(ollama.ResponseError, match="file does not exist"):
            list(client.pull(f"{registry.host}/library/nothing", insecure=True, stream=stream))


def test_a_token_may_stand_in_the_headers(mounted, awaited):
    for root in (mounted.url, f"{mounted.url}/ollama"):
        client = (ollama.AsyncClient if awaited else ollama.Client)(root, headers=BEARER)
        with DrivenClient(client) if awaited else client as client:
            assert "guide:latest" in names(client)
            assert client.generate("guide", "Hi", options={"num_predict": 1}).eval_count == 1


def test_without_the_token(mounted, awaited):
    client = (ollama.AsyncClient if awaited else ollama.Client)(f"{mounted.url}/ollama")
    with DrivenClient(client) if awaited else client as client:
        with pytest.raises(ollama.ResponseError, match="needs its token") as caught:
            client.list()
        assert caught.value.status_code == 403
