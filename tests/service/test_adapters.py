"""A stored model with an adapter beside its weights: its own answers, its own vectors."""

import pytest
from gguf_writer import Tensor
from model_files import endless_weights, write_model
from tiny_lora import ATTENTION, adapter

from ollama_nb.errors import LoadFailed, MalformedGGUF, StoreError
from ollama_nb.service import Service
from ollama_nb.settings import Settings
from ollama_nb.wire import EmbedRequest, GenerateRequest

SHORT = {"temperature": 0, "num_predict": 8}


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """The same weights with and without an adapter, and with files that are none for them."""
    root = tmp_path_factory.mktemp("store")
    weights = endless_weights()
    write_model(root, "plain", weights=weights)
    write_model(root, "adapted", weights=weights, adapter=adapter(ATTENTION).encode())
    stranger = adapter({"blk.0.attn_q.weight": (128, 128)})
    write_model(root, "stranger", weights=weights, adapter=stranger.encode())
    write_model(root, "mistaken", weights=weights, adapter=weights)
    gone = write_model(root, "gone", weights=weights, adapter=adapter(seed=9).encode())
    digest = gone.read_text().rpartition('"sha256:')[2][:64]
    (root / "blobs" / f"sha256-{digest}").unlink()
    return root


@pytest.fixture(scope="module", params=["local", "worker"])
def service(request, store, tmp_path_factory):
    cache = tmp_path_factory.mktemp("cache")
    service = Service(Settings(models=store, cache=cache, engine=request.param))
    yield service
    service.close()


@pytest.fixture
def ask(service):
    def ask(model, **fields):
        request = GenerateRequest(model=model, prompt="The quick", options=SHORT, **fields)
        return service.generate(request).fold()

    return ask


@pytest.fixture
def embed(service):
    def embed(model):
        return service.embed(EmbedRequest(model=model, input=["a fox"])).fold().embeddings[0]

    return embed


def test_each_answers_for_itself(ask, service):
    plain, adapted = ask("plain"), ask("adapted")
    assert plain.eval_count == adapted.eval_count == 8
    assert plain.response != adapted.response
    assert ask("plain").response == plain.response
    assert ask("adapted").response == adapted.response
    assert [one.name for one in service.ps().models] == ["adapted:latest"]


def test_the_other_one_is_a_reload_and_the_same_one_is_not(ask, service):
    def loaded():
        (one,) = service.scheduler.loaded()
        return one.runner

    ask("plain")
    first = loaded()
    ask("plain")
    assert loaded() is first
    ask("adapted")
    assert loaded() is not first
    assert not first.alive


def test_each_has_its_own_vectors(embed):
    plain, adapted = embed("plain"), embed("adapted")
    assert max(abs(one - other) for one, other in zip(plain, adapted, strict=True)) > 1e-2
    assert embed("plain") == pytest.approx(plain, abs=1e-3)


def test_an_adapter_is_no_capability(service):
    listed = {model.name: model.capabilities for model in service.list().models}
    assert listed["adapted:latest"] == listed["plain:latest"] == ["completion"]


def test_files_that_are_no_adapters_of_the_model_are_named(ask):
    for model, error, text in (
        ("mistaken", MalformedGGUF, "sha256-[0-9a-f]+: is no adapter"),
        ("stranger", LoadFailed, "failed to load model: sha256-[0-9a-f]+: "),
        ("gone", StoreError, "blob sha256-[0-9a-f]+ of 'gone:latest' is missing"),
    ):
        with pytest.raises(error, match=text):
            ask(model)
    assert ask("plain").response


def test_an_embedding_that_is_the_output_too_cannot_be_adapted(tmp_path):
    tied = adapter()
    tied.tensors = [
        Tensor("token_embd.weight.lora_a", (4, 292)), Tensor("token_embd.weight.lora_b", (4, 64))
    ]  # fmt: skip
    write_model(tmp_path, "tied", weights=endless_weights(), adapter=tied.encode())
    service = Service(Settings(models=tmp_path, engine="worker"))
    with pytest.raises(MalformedGGUF, match="output too"):
        service.generate(GenerateRequest(model="tied", prompt="x"))
    service.close()
