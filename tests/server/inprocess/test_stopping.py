"""The server's end, and what else keeps the bridge from its work."""

import asyncio
import hashlib
import json
import threading

import pytest

from ollama_nb.errors import EngineError
from ollama_nb.server import bridge
from ollama_nb.service import Service

DIGEST = f"sha256:{hashlib.sha256(b'x').hexdigest()}"
ENDLESS = {"model": "endless", "prompt": "x", "options": {"temperature": 0, "num_ctx": 32_768}}
CANCELED = {"error": "request canceled"}


@pytest.fixture(autouse=True)
def long_farewell(monkeypatch):
    """However slow a machine is, there is time for the last lines."""
    monkeypatch.setattr(bridge, "_FAREWELL", 180)


@pytest.fixture
def gate(monkeypatch):
    """Hold ``begin`` on its thread. Tells when somebody is there, and what came of it."""

    class Gate:
        reached, open, begun = threading.Event(), threading.Event(), []

    begin = bridge.begin

    def slow(*arguments):
        Gate.reached.set()
        assert Gate.open.wait(180)
        answer = begin(*arguments)
        Gate.begun.append(answer)
        return answer

    monkeypatch.setattr(bridge, "begin", slow)
    yield Gate
    Gate.open.set()


@pytest.fixture
def drafts(app):
    """What uploads have begun to write."""
    root = app.bridge._service.store.disk.root
    return lambda: list((root / ".ollama_nb" / "drafts").glob("*"))


async def test_a_sender_who_leaves_before_it_can_be_received(
    http_server_client, jp_serverapp, jp_base_url, app, gate, drafts, until
):
    port = http_server_client.get_http_port()
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    token = jp_serverapp.identity_provider.token
    writer.write(
        f"POST {jp_base_url}api/blobs/{DIGEST} HTTP/1.1\r\nHost: localhost\r\n"
        f"Authorization: Bearer {token}\r\nContent-Length: 1\r\n\r\n".encode()
    )
    await until(gate.reached.is_set)
    writer.close()
    gate.open.set()
    await until(lambda: gate.begun)
    await until(lambda: not drafts() and app.bridge.busy == 0)


async def test_an_upload_that_has_just_begun_when_the_server_stops(fetch, app, gate, drafts, until):
    sending = asyncio.ensure_future(fetch("api", "blobs", DIGEST, body="x"))
    await until(gate.reached.is_set)
    closing = asyncio.ensure_future(app.bridge.close())
    answer = await sending
    assert (answer.code, json.loads(answer.body)) == (499, CANCELED)
    gate.open.set()
    await closing
    await until(lambda: gate.begun)
    await until(lambda: not drafts())


async def test_a_request_that_cannot_be_stopped_does_not_keep_the_engine(app, fetch, caplog):
    async def stop():
        raise ValueError("not now")

    service = app.bridge._service
    assert (await fetch("api", "generate", body={"model": "guide"})).code == 200
    with app.bridge.working(stop):
        closing = asyncio.ensure_future(app.bridge.close())
        await asyncio.sleep(0)
    await closing
    assert not service.scheduler.loaded()
    assert "not now" in caplog.text


async def test_whoever_is_at_work_is_told_the_same(app, fetch, until, caplog):
    bodies = [
        ENDLESS | fields | {"stream": stream}
        for fields in ({}, {"prompt": "word " * 9000})
        for stream in (False, True)
    ]
    asked = [asyncio.ensure_future(fetch("api", "generate", body=body)) for body in bodies]
    await until(lambda: app.bridge.busy == len(bodies))
    await app.bridge.close()
    for answer in await asyncio.gather(*asked):
        assert answer.code in (200, 499)
        assert json.loads(answer.body.splitlines()[-1]) == CANCELED
    assert not [record for record in caplog.records if record.levelname in ("ERROR", "CRITICAL")]


async def test_what_fails_while_the_server_stops_fails_for_that(app, fetch, until, monkeypatch):
    go_on, began = threading.Event(), threading.Event()

    def fail(*arguments, **options):
        began.set()
        assert go_on.wait(180)
        raise EngineError("the model has been unloaded")

    monkeypatch.setattr(Service, "generate", fail)
    asked = asyncio.ensure_future(fetch("api", "generate", body=ENDLESS))
    await until(began.is_set)
    closing = asyncio.ensure_future(app.bridge.close())
    await asyncio.sleep(0)
    go_on.set()
    answer = await asked
    await closing
    assert (answer.code, json.loads(answer.body)) == (499, CANCELED)


@pytest.mark.parametrize("path", [("api", "tags"), ("api", "generate"), ("api", "blobs", DIGEST)])
async def test_after_the_end(app, fetch, path, caplog):
    await app.bridge.close()
    answer = await fetch(*path, body=None if path[-1] == "tags" else "{}")
    assert (answer.code, json.loads(answer.body)) == (499, CANCELED)
    assert "Uncaught" not in caplog.text


@pytest.mark.parametrize("path", [("api", "tags"), ("api", "generate"), ("api", "blobs", DIGEST)])
async def test_a_system_without_threads_is_busy(app, fetch, path, monkeypatch, caplog):
    def submit(*arguments):
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patched:
        patched.setattr(app.bridge._pool, "submit", submit)
        answer = await fetch(*path, body=None if path[-1] == "tags" else "{}")
    assert answer.code == 503
    assert "can't start new thread" in caplog.text
    assert "Uncaught" not in caplog.text
    assert (await fetch("api", "tags")).code == 200
