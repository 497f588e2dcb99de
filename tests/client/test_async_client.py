"""The client that is awaited: tasks side by side, cancelled at any moment, a loop that is free."""

import asyncio
import threading
from dataclasses import replace

import httpx
import pytest
from model_files import endless_weights, write_model

from ollama_nb.client import AsyncClient, AsyncKernelTransport
from ollama_nb.service import Service
from ollama_nb.settings import Settings

QUESTION = "How do I pull a model?"
SHORT = {"temperature": 0, "num_predict": 8}
ENDLESS = {"model": "endless", "prompt": "x", "options": {"temperature": 0, "num_ctx": 32_768}}


@pytest.fixture
def service(tmp_path):
    """A service of the test's own, with a model that never stops."""
    write_model(tmp_path, "endless", weights=endless_weights(32_768))
    service = Service(replace(Settings.from_environment({}), models=tmp_path))
    yield service
    service.close()


@pytest.fixture
def client(service):
    return AsyncClient(transport=AsyncKernelTransport(service))


@pytest.fixture
def plain(service):
    wire = AsyncKernelTransport(service)
    return httpx.AsyncClient(transport=wire, base_url="http://kernel", timeout=None)


@pytest.fixture
def at_work(service):
    """How many sequences borrow a model at this moment."""
    return lambda: sum(one.leases for one in service.scheduler.loaded())


async def until(condition):
    async with asyncio.timeout(180):
        while not condition():  # noqa: ASYNC110 - what it waits for knows no loop
            await asyncio.sleep(0.005)


async def cancelled(task):
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def test_tasks_share_one_engine(client):
    async def ask():
        asked = (client.generate("guide", QUESTION, options=SHORT) for _ in range(20))
        return await asyncio.gather(*asked)

    answers = asyncio.run(ask())
    assert len({answer.response for answer in answers}) == 1


def test_one_client_serves_one_loop_after_the_other(client):
    async def ask():
        return (await client.generate("guide", QUESTION, options=SHORT)).response

    assert asyncio.run(ask()) == asyncio.run(ask())


@pytest.mark.parametrize("stream", [False, True])
def test_cancelling_a_task_stops_the_engine(client, at_work, stream):
    async def go():
        async def ask():
            answer = await client.generate(**ENDLESS, stream=stream)
            async for _ in answer:
                pass

        task = asyncio.create_task(ask())
        await until(at_work)
        await asyncio.sleep(0.05)
        await cancelled(task)
        await until(lambda: not at_work())

    asyncio.run(go())


def test_leaving_a_loop_stops_the_engine(client, at_work):
    async def go():
        async for part in await client.generate(**ENDLESS, stream=True):
            assert not part.done
            break
        await until(lambda: not at_work())

    asyncio.run(go())


def test_the_end_of_the_loop_stops_the_engine(client, at_work):
    async def go():
        stream = await client.generate(**ENDLESS, stream=True)
        await anext(stream)
        return asyncio.create_task(anext(stream))

    asyncio.run(go())
    asyncio.run(until(lambda: not at_work()))


@pytest.fixture
def slow_load(service, monkeypatch):
    """Loads wait until the second event is set, and say by the first that they wait."""
    load, begun, go_on = service.scheduler._host.load, threading.Event(), threading.Event()

    def slow(*arguments):
        begun.set()
        assert go_on.wait(180)
        return load(*arguments)

    monkeypatch.setattr(service.scheduler._host, "load", slow)
    yield begun, go_on
    go_on.set()


def test_cancelling_while_the_model_loads_stops_what_comes_after(
    client, at_work, slow_load, service
):
    begun, go_on = slow_load

    async def go():
        task = asyncio.create_task(client.generate(**ENDLESS))
        await until(begun.is_set)
        await cancelled(task)
        go_on.set()
        await until(lambda: service.ps().models)
        await until(lambda: not at_work())

    asyncio.run(go())


def test_the_loop_is_free_while_the_model_loads(client, slow_load):
    begun, go_on = slow_load

    async def go():
        task = asyncio.create_task(client.generate("guide", QUESTION, options=SHORT))
        await until(begun.is_set)
        assert (await client.list()).models
        assert not task.done()
        go_on.set()
        assert (await task).eval_count == 8

    asyncio.run(go())


def test_streams_arrive_piece_by_piece(plain):
    async def go():
        async with plain.stream("POST", "/api/generate", json=ENDLESS) as answer:
            assert answer.headers["content-type"] == "application/x-ndjson"
            lines = answer.aiter_lines()
            assert len([await anext(lines) for _ in range(3)]) == 3
        assert answer.is_closed

    asyncio.run(go())


@pytest.fixture
def drafts(service):
    """What is left of uploads in the store."""
    return lambda: list((service.store.disk.root / ".ollama_nb" / "drafts").glob("*"))


URL = "/api/blobs/sha256:" + "0" * 64


def test_a_body_that_breaks_off_leaves_nothing(plain, drafts):
    async def pieces():
        for _ in range(3):
            yield bytes(1 << 20)
        assert len(drafts()) == 1
        raise OSError("gone")

    async def go():
        with pytest.raises(OSError, match="gone"):
            await plain.post(URL, content=pieces())

    asyncio.run(go())
    assert drafts() == []


def test_a_body_whose_task_is_cancelled_leaves_nothing(plain, drafts):
    async def pieces():
        while True:
            yield bytes(1 << 20)
            await asyncio.sleep(0)

    async def go():
        task = asyncio.create_task(plain.post(URL, content=pieces()))
        await until(drafts)
        await cancelled(task)

    asyncio.run(go())
    assert drafts() == []


def test_a_body_that_is_not_wanted_is_not_read(plain):
    async def pieces():
        pytest.fail("read")
        yield b""

    async def go():
        return await plain.post("/api/blobs/x", content=pieces())

    assert asyncio.run(go()).status_code == 400


def test_a_body_of_the_wrong_digest_is_refused(plain, drafts):
    async def pieces():
        yield b"something else"

    async def go():
        return await plain.post(URL, content=pieces())

    assert asyncio.run(go()).status_code == 400
    assert drafts() == []
