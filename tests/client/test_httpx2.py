"""The transports for httpx2: what they answer, how they fail, and that leaving stops the engine."""

import asyncio
import hashlib
import time

import httpx2
import pytest
from model_files import endless_weights, write_model

from ollama_nb.client.httpx2 import AsyncKernelTransport, KernelTransport, transport
from ollama_nb.service import Service
from ollama_nb.settings import Settings

ENDLESS = {"model": "endless", "prompt": "x", "options": {"temperature": 0}}


@pytest.fixture(scope="module")
def kernel(tmp_path_factory):
    """A service with a model that never ends by itself."""
    root = tmp_path_factory.mktemp("endless")
    write_model(root, "endless", weights=endless_weights(32_768))
    service = Service(Settings(models=root, cache=root / "cache"))
    yield service
    service.close()


@pytest.fixture
def client(kernel):
    wire = KernelTransport(kernel)
    with httpx2.Client(transport=wire, base_url="http://kernel", timeout=None) as client:
        yield client


def at_rest(kernel):
    """Whether nobody borrows a model any more; waits for it."""
    end = time.monotonic() + 180
    while any(one.leases for one in kernel.scheduler.loaded()):
        assert time.monotonic() < end
        time.sleep(0.01)
    return True


def test_an_answer(client):
    answer = client.get("/api/tags?ts=1")
    assert (answer.status_code, answer.headers["content-type"]) == (
        200,
        "application/json; charset=utf-8",
    )
    assert answer.json()["models"][0]["name"] == "endless:latest"


def test_a_failure_has_its_status(client):
    answer = client.post("/api/generate", json={"model": "nope", "prompt": "x"})
    assert (answer.status_code, answer.json()) == (404, {"error": "model 'nope' not found"})


def test_slashes_in_a_path_stay_as_they_were_written(client):
    assert client.get("/v1/models/library%2Fendless").json()["id"] == "library/endless"


def test_a_body_that_comes_in_pieces(client):
    pieces = [b"GGUF", b"", b"\0" * 100]
    digest = hashlib.sha256(b"".join(pieces)).hexdigest()
    assert client.post(f"/api/blobs/sha256:{digest}", content=iter(pieces)).status_code == 201
    assert client.head(f"/api/blobs/sha256:{digest}").status_code == 200


def test_leaving_a_stream_stops_the_engine(client, kernel):
    with client.stream("POST", "/api/generate", json=ENDLESS) as answer:
        next(answer.iter_lines())
    assert at_rest(kernel)


def test_leaving_an_awaited_stream_stops_the_engine(kernel):
    async def ask():
        async with (
            httpx2.AsyncClient(
                transport=AsyncKernelTransport(kernel), base_url="http://kernel", timeout=None
            ) as client,
            client.stream("POST", "/api/generate", json=ENDLESS) as answer,
        ):
            return await anext(answer.aiter_lines())

    assert asyncio.run(ask()).startswith('{"model":"endless"')
    assert at_rest(kernel)


def test_without_a_service_it_is_the_one_of_the_process():
    with httpx2.Client(transport=transport(), base_url="http://kernel", timeout=None) as client:
        assert client.get("/").text == "Ollama is running"


def test_a_timeout_is_of_the_library_that_asked(client, kernel):
    with pytest.raises(httpx2.ReadTimeout, match="nothing came"):
        client.post("/api/generate", json=ENDLESS | {"stream": False}, timeout=0.05)
    assert at_rest(kernel)


def test_an_awaited_timeout_is_of_the_library_that_asked(kernel):
    async def ask():
        wire = AsyncKernelTransport(kernel)
        async with httpx2.AsyncClient(transport=wire, base_url="http://kernel") as client:
            await client.post("/api/generate", json=ENDLESS | {"stream": False}, timeout=0.05)

    with pytest.raises(httpx2.ReadTimeout, match="nothing came"):
        asyncio.run(ask())
    assert at_rest(kernel)
