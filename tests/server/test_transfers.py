"""Pull and push over every front, with a real registry behind it (Ollama API, 13)."""

import contextlib
import json
import secrets
import socket
import threading

import ollama
import patient_http
import pytest
from servers import TOKEN, standalone_server

from ollama_nb.client import Client, KernelTransport
from ollama_nb.errors import Cancelled
from ollama_nb.service import Service

UNKNOWN = "pull model manifest: file does not exist"
SUCCESS = {"status": "success"}


@pytest.fixture
def name(front, registry):
    """A name in the registry, of a copy of the guide that is gone afterwards."""
    name = f"{registry.host}/library/m{secrets.token_hex(4)}"
    assert front.post("/api/copy", json={"source": "guide", "destination": name}).is_success
    yield name
    front.request("DELETE", "/api/delete", json={"model": name})


def ask(front, verb, name, key="model", **fields):
    return front.post(f"/api/{verb}", json={key: name, "insecure": True} | fields)


def lines(answer):
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/x-ndjson"
    assert answer.text.endswith("}\n")
    return [json.loads(line) for line in answer.text.splitlines()]


def digest_of(front, name):
    models = {one["name"]: one["digest"] for one in front.get("/api/tags").json()["models"]}
    return models.get(f"{name}:latest")


def delete(front, name):
    assert front.request("DELETE", "/api/delete", json={"model": name}).status_code == 200
    assert digest_of(front, name) is None


def test_a_model_goes_there_and_comes_back(front, name):
    before = digest_of(front, name)
    pushed = [line["status"] for line in lines(ask(front, "push", name))]
    assert pushed[0] == "retrieving manifest"
    assert pushed[-2:] == ["pushing manifest", "success"]
    delete(front, name)
    pulled = lines(ask(front, "pull", name))
    assert pulled[0] == {"status": "pulling manifest"}
    assert [line["status"] for line in pulled[-3:]] == [
        "verifying sha256 digest", "writing manifest", "success",
    ]  # fmt: skip
    for line in pulled[1:-3]:
        assert line["status"] == f"pulling {line['digest'].removeprefix('sha256:')[:12]}"
        assert 0 <= line.get("completed", 0) <= line["total"]
    assert digest_of(front, name) == before
    answer = front.post("/api/generate", json={"model": name, "prompt": "Hi", "stream": False})
    assert answer.status_code == 200


def test_in_one_object(front, name):
    for verb in ("push", "pull"):
        answer = ask(front, verb, name, key="name", stream=False)
        assert (answer.status_code, answer.json()) == (200, SUCCESS)
        assert answer.headers["content-type"] == "application/json"


def test_push_of_what_is_no_name(front):
    assert ask(front, "push", "").json() == {"error": "model is required"}
    answer = ask(front, "push", "a b")
    assert (answer.status_code, answer.json()) == (400, {"error": "invalid model name"})


def test_push_of_what_is_not_there(front, registry):
    told = lines(ask(front, "push", f"{registry.host}/library/nothing"))
    assert {"status": "couldn't retrieve manifest"} in told
    assert list(told[-1]) == ["error"]


@pytest.mark.parametrize("fields", [{"model": 1}, {"insecure": "yes"}, {"stream": "no"}])
@pytest.mark.parametrize("verb", ["pull", "push"])
def test_wrong_types(front, verb, fields):
    answer = front.post(f"/api/{verb}", json={"model": "x"} | fields)
    assert answer.status_code == 400


def test_older_and_unknown_fields_do_no_harm(front, name):
    fields = {"username": "u", "password": "p", "stream": False, "bogus": [1]}
    assert ask(front, "push", name, **fields).json() == SUCCESS


@pytest.fixture(params=["kernel", "mounted", "standalone"])
def official(request, monkeypatch):
    """The official client on either front, configured as its documents say."""
    if request.param == "kernel":
        with Client(transport=KernelTransport(request.getfixturevalue("kernel"))) as client:
            yield client
        return
    server = request.getfixturevalue("jupyter" if request.param == "mounted" else "standalone")
    monkeypatch.setenv("OLLAMA_API_KEY", TOKEN)
    path = "/ollama" if request.param == "mounted" else ""
    with ollama.Client(server.url + path) as client:
        yield client


def test_the_official_client(official, registry, tmp_path):
    name = f"{registry.host}/library/o{secrets.token_hex(4)}"
    assert official.copy("guide", name).status == "success"
    digests = {one.model: one.digest for one in official.list().models}
    assert digests[f"{name}:latest"] == digests["guide:latest"]
    assert official.push(name, insecure=True).status == "success"
    assert official.delete(name).status == "success"
    assert f"{name}:latest" not in [one.model for one in official.list().models]
    told = list(official.pull(name, insecure=True, stream=True))
    assert isinstance(told[0], ollama.ProgressResponse)
    assert (told[0].status, told[-1].status) == ("pulling manifest", "success")
    assert {one.model: one.digest for one in official.list().models} == digests
    shown = official.show(name)
    assert shown.details.family == "llama"
    assert shown.modelinfo["general.architecture"] == "llama"
    assert official.delete(name).status == "success"
    with pytest.raises(ollama.ResponseError, match="not found") as caught:
        official.delete(name)
    assert caught.value.status_code == 404
    file = tmp_path / "file"
    file.write_bytes(secrets.token_bytes(1_500_000))
    assert official.create_blob(file) == official.create_blob(str(file))
    with pytest.raises(ollama.ResponseError, match=UNKNOWN):
        list(official.pull(name + "x", insecure=True, stream=True))


@pytest.fixture
def slow_registry():
    """Takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"127.0.0.1:{listener.getsockname()[1]}"


@pytest.fixture
def telling_registry():
    """Gives a manifest that comes for minutes: where it is, and whether its reader has left."""
    left, over = threading.Event(), threading.Event()

    def serve(listener):
        connection, _ = listener.accept()
        with connection, contextlib.suppress(OSError):
            connection.recv(1 << 16)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4000000\r\n\r\n")
            while not over.wait(0.1):
                connection.sendall(bytes(2000))
        left.set()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(patient_http.PATIENCE)
        thread = threading.Thread(target=serve, args=(listener,))
        thread.start()
        yield f"127.0.0.1:{listener.getsockname()[1]}", left
        over.set()
        thread.join()


def test_who_leaves_stops_the_pull(telling_registry, tmp_path):
    host, left = telling_registry
    with standalone_server(tmp_path / "server", tmp_path / "models") as server:
        body = {"model": f"{host}/library/x", "insecure": True}
        with patient_http.stream("POST", f"{server.url}/api/pull", json=body) as answer:
            assert json.loads(next(answer.iter_lines())) == {"status": "pulling manifest"}
        assert left.wait(patient_http.PATIENCE)
        server.process.terminate()
        assert server.process.wait(patient_http.PATIENCE) == 0
        assert "Traceback" not in server.log.read_text()


def test_a_stopping_server_tells_who_pulls(slow_registry, tmp_path):
    with standalone_server(tmp_path / "server", tmp_path / "models") as server:
        body = {"model": f"{slow_registry}/library/x", "insecure": True}
        with patient_http.stream("POST", f"{server.url}/api/pull", json=body) as answer:
            told = answer.iter_lines()
            next(told)
            server.process.terminate()
            *_, last = told
        # A second signal, of the fixture, could meet an interpreter that no longer handles any.
        assert server.process.wait(patient_http.PATIENCE) == 0
        assert json.loads(last) == {"error": "request canceled"}


def test_in_the_kernel_leaving_the_stream_stops_it(slow_registry, models):
    service = Service()
    with Client(transport=KernelTransport(service)) as client:
        stream = client.pull(f"{slow_registry}/library/x", insecure=True, stream=True)
        assert next(stream).status == "pulling manifest"
        (work,) = service._works
        stream.close()
        with pytest.raises(Cancelled):
            list(work)
    service.close()
