"""The transports behind the official clients: whatever goes wrong or is left, nothing goes on."""

import json
import subprocess
import sys
import threading
import time

import httpx
import ollama
import pytest
from driven_client import DrivenClient
from model_files import endless_weights, write_model

import ollama_nb
from ollama_nb.client import (
    AsyncClient,
    AsyncKernelTransport,
    Client,
    KernelTransport,
    async_transport,
    transport,
)
from ollama_nb.engine.sequence import Piece
from ollama_nb.errors import EngineError
from ollama_nb.service import Service, Stream
from ollama_nb.service.shared import close_shared_service, shared_service
from ollama_nb.wire.fold import fold_generate

QUESTION = "How do I pull a model?"
SHORT = {"temperature": 0, "num_predict": 8}


@pytest.fixture
def endless(models):
    """A model that never stops, in the store that the shared service uses."""
    manifest = write_model(models, "endless", weights=endless_weights(32_768))
    yield "endless"
    manifest.unlink()


@pytest.fixture(scope="module", params=["waiting", "awaited"])
def client(request):
    with DrivenClient(AsyncClient()) if request.param == "awaited" else Client() as client:
        yield client
    close_shared_service()


@pytest.fixture(params=["waiting", "awaited"])
def scripted(request):
    """A client of a service whose streams do what a test says."""
    yield from scripted_client(request.param)


@pytest.fixture(params=["waiting", "awaited"])
def impatient(request):
    """The same with a client that soon has enough of waiting."""
    yield from scripted_client(request.param, timeout=0.05)


def scripted_client(kind, **settings):
    class Scripted(Service):
        stream = None

        def generate(self, request, *, owner=""):
            self.stream = Stream(lambda event: (event,), fold_generate)
            self.stream.cancels = 0
            self.stream.bind(lambda: setattr(self.stream, "cancels", self.stream.cancels + 1))
            self.begin(self.stream)
            return self.stream

    service = Scripted()
    if kind == "awaited":
        client = DrivenClient(AsyncClient(transport=AsyncKernelTransport(service), **settings))
    else:
        client = Client(transport=KernelTransport(service), **settings)
    with client:
        yield service, client
    service.close()


def test_an_answer(client):
    answer = client.generate("guide", QUESTION, options=SHORT)
    assert isinstance(answer, ollama.GenerateResponse)
    assert (answer.eval_count, answer.done_reason) == (8, "length")
    streamed = list(client.generate("guide", QUESTION, options=SHORT, stream=True))
    assert "".join(part.response for part in streamed) == answer.response


def test_routes_that_do_not_exist():
    with httpx.Client(transport=transport(), base_url="http://kernel", timeout=None) as plain:
        answer = plain.post("/api/nothing")
    assert (answer.status_code, answer.text) == (404, "404 page not found")


def test_a_failure_before_the_first_piece_says_who_answers():
    class Failing(Service):
        def generate(self, request, *, owner=""):
            stream = Stream(lambda event: (event,), fold_generate)
            stream.put(EngineError("broken"))
            return stream

    wire = KernelTransport(Failing())
    with httpx.Client(transport=wire, base_url="http://kernel", timeout=None) as plain:
        answer = plain.post("/api/generate", json={"model": "guide", "prompt": "x"})
        assert (answer.status_code, answer.json()) == (500, {"error": "broken"})
        assert answer.headers["server"] == plain.get("/").headers["server"]


def test_leaving_a_stream_stops_the_engine(client, endless):
    options = {"temperature": 0, "num_ctx": 32_768}
    stream = client.generate(endless, "x", options=options, stream=True)
    assert next(stream).done is False
    stream.close()
    end = time.monotonic() + 180
    while any(one.leases for one in shared_service().scheduler.loaded()):
        assert time.monotonic() < end
        time.sleep(0.01)


def test_streams_arrive_piece_by_piece(endless):
    with httpx.Client(transport=transport(), base_url="http://kernel", timeout=None) as plain:
        body = {"model": endless, "prompt": "x", "options": {"temperature": 0}}
        with plain.stream("POST", "/api/generate", json=body) as answer:
            assert answer.headers["content-type"] == "application/x-ndjson"
            lines = answer.iter_lines()
            assert [json.loads(next(lines))["done"] for _ in range(3)] == [False] * 3
        assert answer.is_closed


def test_two_threads_share_one_engine():
    answers = []
    with Client() as client:
        threads = [
            threading.Thread(
                target=lambda: answers.append(client.generate("guide", QUESTION, options=SHORT))
            )
            for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len({answer.response for answer in answers}) == 1
    assert len(answers) == 4


def test_a_host_of_the_environment_has_no_say(monkeypatch):
    monkeypatch.setenv("OLLAMA_HOST", "http://192.0.2.1:1/user/ann")
    monkeypatch.setenv("HTTP_PROXY", "http://192.0.2.1:1")
    with Client(timeout=60) as client, DrivenClient(AsyncClient(timeout=60)) as awaited:
        assert client.list().models == awaited.list().models


def test_closing_a_client_leaves_the_engine(client):
    Client().close()
    with DrivenClient(AsyncClient()):
        pass
    assert client.list().models


def test_the_package_hands_them_out():
    assert (ollama_nb.Client, ollama_nb.AsyncClient) == (Client, AsyncClient)
    assert (ollama_nb.transport, ollama_nb.async_transport) == (transport, async_transport)
    assert set(ollama_nb.__all__) <= set(dir(ollama_nb))  # which is what Tab offers


def test_the_shared_service_is_one_until_it_is_closed():
    first = shared_service()
    assert shared_service() is first
    close_shared_service()
    close_shared_service()
    assert shared_service() is not first


@pytest.mark.parametrize("kind", [Client, AsyncClient])
def test_who_names_a_host_learns_that_there_is_none(kind):
    with pytest.raises(TypeError, match=r"the engine is in this process; ollama\.Client takes one"):
        kind(host="http://192.0.2.1:11434")


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("pieces", [0, 1])
def test_a_client_waits_no_longer_than_its_timeout(impatient, stream, pieces):
    service, client = impatient
    service.begin = lambda stream: [stream.put(Piece("x")) for _ in range(pieces)]
    with pytest.raises(httpx.ReadTimeout, match=r"nothing came .* for 0\.05 s"):
        list(client.generate("guide", "x", stream=stream))
    end = time.monotonic() + 180
    while not (service.stream and service.stream.cancels):  # a late answer is stopped when it comes
        assert time.monotonic() < end
        time.sleep(0.01)


def test_an_answer_that_begins_too_late_is_stopped(impatient):
    service, client = impatient
    loaded, dropped = threading.Event(), threading.Event()

    def begin(stream):
        loaded.wait()
        stream.bind(dropped.set)

    service.begin = begin
    with pytest.raises(httpx.ReadTimeout):
        client.generate("guide", "x")
    assert not dropped.is_set()
    loaded.set()
    assert dropped.wait(60)


@pytest.mark.parametrize("stream", [False, True])
def test_failure_before_the_first_line_has_its_status(scripted, stream):
    service, client = scripted
    service.begin = lambda stream: stream.put(EngineError("broken"))
    with pytest.raises(ollama.ResponseError, match="broken") as caught:
        list(client.generate("guide", "x", stream=stream))
    assert caught.value.status_code == 500


def test_failure_after_the_first_line_is_the_last(scripted):
    service, client = scripted

    def begin(stream):
        stream.put(Piece("x"))
        stream.put(EngineError("broken"))

    service.begin = begin
    stream = client.generate("guide", "x", stream=True)
    with pytest.raises(ollama.ResponseError, match="broken"):
        list(stream)


def test_an_interrupt_before_the_first_line_stops_the_engine(scripted):
    service, client = scripted

    def interrupt(event):
        raise KeyboardInterrupt

    def begin(stream):
        stream._translate = interrupt
        stream.put(Piece("x"))

    service.begin = begin
    with pytest.raises(KeyboardInterrupt):
        list(client.generate("guide", "x", stream=True))
    assert service.stream.cancels == 1


def test_importing_it_loads_neither_engine_nor_server():
    code = (
        "import sys, ollama_nb.client\n"
        "print([name for name in ('llama_cpp', 'tornado', 'numpy') if name in sys.modules])"
    )
    output = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert output.stdout == "[]\n"


@pytest.fixture
def drafts(models):
    """What is left of uploads in the store that the shared service uses."""
    return lambda: list((models / ".ollama_nb" / "drafts").glob("*"))


def test_create_blob(client, models, tmp_path, drafts):
    path = tmp_path / "file"
    path.write_bytes(bytes(range(256)) * 10_000)
    digest = client.create_blob(path)
    stored = models / "blobs" / digest.replace(":", "-")
    assert stored.read_bytes() == path.read_bytes()
    assert client.create_blob(path) == digest
    assert drafts() == []
    stored.unlink()


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError])
def test_a_body_that_breaks_off_leaves_nothing(drafts, error):
    def pieces():
        yield bytes(1 << 20)
        assert len(drafts()) == 1
        raise error

    url = "/api/blobs/sha256:" + "0" * 64
    kernel = httpx.Client(transport=transport(), base_url="http://kernel", timeout=None)
    with kernel, pytest.raises(error):
        kernel.post(url, content=pieces())
    assert drafts() == []


def test_a_body_that_is_not_wanted_is_not_read():
    def pieces():
        pytest.fail("read")
        yield b""

    with httpx.Client(transport=transport(), base_url="http://kernel", timeout=None) as plain:
        assert plain.post("/api/blobs/x", content=pieces()).status_code == 400
