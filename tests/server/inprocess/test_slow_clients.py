"""Clients that take their time, on a standalone server whose patience is short.

Nothing here waits for a clock: a test ends when the server has closed, however late that is.
"""

import asyncio
import json
import time

import pytest
from raw_http import ask, parsed, request

from ollama_nb.server import handlers, listener, uploads
from ollama_nb.service import Service

DIGEST = f"sha256:{'0' * 64}"


@pytest.fixture
def run(jp_asyncio_loop):
    """Run what the test describes on the server's loop."""
    return jp_asyncio_loop.run_until_complete


@pytest.fixture
def impatient(monkeypatch):
    """Servers that are started after this wait for a moment only."""
    monkeypatch.setattr(listener, "HEADER_TIMEOUT", 0.3)
    monkeypatch.setattr(handlers, "BODY_TIMEOUT", 0.3)
    monkeypatch.setattr(uploads, "READ_TIMEOUT", 0.3)


@pytest.fixture
def address(serve_alone):
    """Where a standalone server listens; settings are patched before it starts."""
    app = serve_alone()
    return app.ip, app.port


@pytest.fixture
def connect(jp_asyncio_loop):
    """Open connections that end with the test."""
    writers = []

    async def connect(address, data=b""):
        reader, writer = await asyncio.open_connection(*address)
        writers.append(writer)
        writer.write(data)
        return reader, writer

    yield connect
    for writer in writers:
        writer.transport.abort()
    jp_asyncio_loop.run_until_complete(asyncio.sleep(0))


def head(*lines):
    return "\r\n".join((*lines, "")).encode()


async def version(address):
    return (await ask(address, request("GET", "/api/version"))).status


async def trickled(reader, writer, byte):
    """Send a byte now and then until the server closes. Returns what it said."""
    received = asyncio.ensure_future(reader.read())
    while not received.done():
        writer.write(byte)
        await asyncio.wait([received], timeout=0.02)
    if received.exception() is None:
        return received.result()
    assert isinstance(received.exception(), ConnectionError)
    return b""


@pytest.mark.parametrize("sent", [b"", b"G", b"GET / HTTP/1.1\r\nX-Slow: "])
def test_slow_headers(impatient, address, connect, run, sent):
    async def scene():
        reader, writer = await connect(address, sent)
        assert await trickled(reader, writer, b"x" if sent else b"") == b""
        assert await version(address) == 200

    run(scene())


BODY_LATER = head("POST /api/show HTTP/1.1", "Host: localhost", "Content-Length: 1000000", "")
BODY_WHEN_ASKED = BODY_LATER[:-2] + head("Expect: 100-continue", "")
CHUNKS_LATER = head("POST /api/show HTTP/1.1", "Host: localhost", "Transfer-Encoding: chunked", "")
NO_BODY_WANTED = head("GET /api/version HTTP/1.1", "Host: localhost", "Content-Length: 1000", "")
UPLOAD = head(f"POST /api/blobs/{DIGEST} HTTP/1.1", "Host: localhost", "Content-Length: 1000", "")
REFUSED_UPLOAD = head("POST /api/blobs/x HTTP/1.1", "Host: localhost", "Content-Length: 1000", "")


@pytest.mark.parametrize("sent", [BODY_LATER, CHUNKS_LATER, NO_BODY_WANTED])
@pytest.mark.parametrize("byte", [b"", b" "])
def test_a_body_that_does_not_come_or_comes_slowly(impatient, address, connect, run, sent, byte):
    async def scene():
        reader, writer = await connect(address, sent)
        piece = byte and (b"1\r\n \r\n" if sent is CHUNKS_LATER else byte)
        assert await trickled(reader, writer, piece) == b""
        assert await version(address) == 200

    run(scene())


@pytest.mark.parametrize(("sent", "status"), [(UPLOAD, 0), (REFUSED_UPLOAD, 400)])
def test_an_upload_that_does_not_come(impatient, address, connect, run, sent, status):
    async def scene():
        reader, _ = await connect(address, sent)
        assert parsed(await reader.read()).status == status
        assert await version(address) == 200

    run(scene())


def test_an_upload_may_take_longer_than_a_body(monkeypatch, address, connect, run):
    monkeypatch.setattr(handlers, "BODY_TIMEOUT", 0.05)

    async def scene():
        reader, writer = await connect(address, UPLOAD)
        for _ in range(10):
            writer.write(b"x" * 100)
            await asyncio.sleep(0.02)
        assert b"400" in await reader.readline()

    run(scene())


def test_a_reused_connection_waits_as_long_again(impatient, address, connect, run):
    async def scene():
        reader, writer = await connect(address)
        for _ in range(3):
            writer.write(head("GET /api/version HTTP/1.1", "Host: localhost", ""))
            assert b"200" in await reader.readline()
            await reader.readuntil(b"}")
        assert await reader.read() == b""

    run(scene())


def test_an_answer_may_take_longer_than_anybody_waits(impatient, address, run, monkeypatch):
    ps = Service.ps

    def slow(self):
        time.sleep(1)
        return ps(self)

    monkeypatch.setattr(Service, "ps", slow)
    assert run(ask(address, request("GET", "/api/ps"))).status == 200


def test_two_hundred_slow_clients_keep_nobody_from_an_answer(address, connect, run):
    async def scene():
        slow = [
            await connect(address, sent)
            for sent in (b"GET / HTT", BODY_LATER, CHUNKS_LATER, UPLOAD)
            for _ in range(50)
        ]
        for _ in range(5):
            for _, writer in slow:
                writer.write(b"1")
            assert await version(address) == 200

    run(scene())


@pytest.fixture(params=["connections", "descriptors"])
def few(request, monkeypatch):
    """Servers that are started after this take three connections."""
    if request.param == "connections":
        monkeypatch.setattr(listener, "CONNECTIONS", 3)
    else:
        monkeypatch.setattr(listener, "_descriptors", lambda: 6)


def test_a_new_connection_takes_the_place_of_the_quietest(few, address, connect, run):
    async def scene():
        quiet = [await connect(address) for _ in range(3)]
        assert await version(address) == 200
        assert await quiet[0][0].read() == b""
        quiet[2][1].write(request("GET", "/api/version"))
        assert b"200" in await quiet[2][0].readline()

    run(scene())


def test_when_everybody_is_at_work_a_new_one_is_told_so(few, address, connect, run):
    async def scene():
        busy = [await connect(address, BODY_WHEN_ASKED) for _ in range(3)]
        for reader, _ in busy:
            assert b" 100 " in await reader.readline()
        answer = parsed(await (await connect(address))[0].read())
        assert answer.status == 503
        assert json.loads(answer.body)["error"].startswith("server busy")
        assert answer.header("Connection") == b"close"
        for _, writer in busy:
            writer.close()
        while await version(address) == 503:  # until the server has noticed
            pass

    run(scene())
