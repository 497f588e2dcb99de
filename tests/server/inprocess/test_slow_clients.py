"""Clients that take their time, on a standalone server whose patience is short.

Nothing here waits for a clock: a test ends when the server has closed, however late that is.
"""

import asyncio
import contextlib
import json
import time

import pytest
from raw_http import ask, parsed, request

from ollama_nb.server import handlers, listener, uploads
from ollama_nb.service import Service

DIGEST = f"sha256:{'0' * 64}"
TRIES = 5


@pytest.fixture
def run(jp_asyncio_loop):
    """Run what the test describes on the server's loop."""
    return jp_asyncio_loop.run_until_complete


@pytest.fixture
def impatient(monkeypatch):
    """Servers that are started after this wait for a moment only."""
    monkeypatch.setattr(listener, "HEADER_TIMEOUT", 0.3)
    monkeypatch.setattr(listener, "IDLE_TIMEOUT", 0.3)
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


async def served(address, path="/api/version"):
    """Ask until there is an answer: so little patience can be too little for a busy machine."""
    for _ in range(TRIES):
        with contextlib.suppress(ConnectionError):
            if status := (await ask(address, request("GET", path))).status:
                return status
    return 0


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
        assert await served(address) == 200

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
        assert await served(address) == 200

    run(scene())


@pytest.mark.parametrize(("sent", "status"), [(UPLOAD, 0), (REFUSED_UPLOAD, 400)])
def test_an_upload_that_does_not_come(impatient, address, connect, run, sent, status):
    async def dropped():
        reader, _ = await connect(address, sent)
        return parsed(await reader.read()).status

    async def scene():
        for _ in range(TRIES):
            found = await dropped()
            if found == status:
                break
            assert found == 0  # on a busy machine its headers may have come too late
        assert found == status
        assert await served(address) == 200

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
    async def reused():
        """Whether a connection served three requests, or else one came too late."""
        reader, writer = await connect(address)
        for _ in range(3):
            writer.write(head("GET /api/version HTTP/1.1", "Host: localhost", ""))
            if not (line := await reader.readline()):
                return False
            assert b"200" in line
            await reader.readuntil(b"}")
        assert await reader.read() == b""
        return True

    async def scene():
        for _ in range(TRIES):
            if await reused():
                return
        pytest.fail("no connection was used again")

    run(scene())


def test_who_has_asked_before_may_be_idle_for_longer(address, connect, run, monkeypatch):
    async def asked(reader, writer):
        writer.write(head("GET /api/version HTTP/1.1", "Host: localhost", ""))
        return await reader.readuntil(b"}")

    async def scene():
        kept = await connect(address)
        assert b"200" in await asked(*kept)
        monkeypatch.setattr(listener, "HEADER_TIMEOUT", 0.05)
        for _ in range(5):
            silent, _ = await connect(address)
            assert await silent.read() == b""
        assert b"200" in await asked(*kept)

    run(scene())


def test_an_answer_may_take_longer_than_anybody_waits(impatient, address, run, monkeypatch):
    ps = Service.ps

    def slow(self):
        time.sleep(1)
        return ps(self)

    monkeypatch.setattr(Service, "ps", slow)
    assert run(served(address, "/api/ps")) == 200


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
        assert json.loads(answer.body)["error"].startswith("too many connections: all 3 are")
        assert answer.header("Connection") == b"close"
        for _, writer in busy:
            writer.close()
        while await version(address) == 503:  # until the server has noticed
            pass

    run(scene())
