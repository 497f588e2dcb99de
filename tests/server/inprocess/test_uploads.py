"""Blob uploads from inside the server: who may, who leaves, what is answered before the end."""

import asyncio
import hashlib
import re
import threading
from types import SimpleNamespace

import pytest

from ollama_nb.loop import Receiving
from ollama_nb.server import uploads
from ollama_nb.service import upload
from ollama_nb.store import space

DATA = bytes(range(256)) * 16_384
_SIZE = len(DATA)
PATIENCE = 180
DIGEST = f"sha256:{hashlib.sha256(DATA).hexdigest()}"


@pytest.fixture
def store(app):
    """The server's store, without the blob."""
    disk = app.bridge._service.store.disk
    yield disk.root
    (disk.root / "blobs" / DIGEST.replace(":", "-")).unlink(missing_ok=True)


def drafts(store):
    return list((store / ".ollama_nb" / "drafts").glob("*"))


@pytest.fixture
def post(http_server_client, jp_serverapp, jp_base_url, jp_asyncio_loop):
    """Begin an upload by hand; returns the reader and the writer."""
    writers = []
    token = jp_serverapp.identity_provider.token

    async def post(digest=DIGEST, length=_SIZE, token=token, **headers):
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", http_server_client.get_http_port()
        )
        writers.append(writer)
        framing = f"Content-Length: {length}" if length else "Transfer-Encoding: chunked"
        more = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        writer.write(
            f"POST {jp_base_url}api/blobs/{digest} HTTP/1.1\r\nHost: localhost\r\n"
            f"Authorization: Bearer {token}\r\n{framing}\r\n{more}\r\n".encode()
        )
        return reader, writer

    yield post
    for writer in writers:
        writer.transport.abort()
    jp_asyncio_loop.run_until_complete(asyncio.sleep(0))


async def status_of(reader):
    return (await asyncio.wait_for(reader.readline(), PATIENCE)).decode().split()[1]


async def test_it_is_kept_when_all_of_it_has_come(post, store, app, until):
    reader, writer = await post()
    writer.write(DATA[:-1])
    await until(lambda: drafts(store))
    assert app.bridge.busy == 1
    writer.write(DATA[-1:])
    assert await status_of(reader) == "201"
    assert (store / "blobs" / DIGEST.replace(":", "-")).read_bytes() == DATA
    assert app.bridge.busy == 0
    assert not drafts(store)


@pytest.mark.parametrize("how", ["close", "abort"])
@pytest.mark.parametrize("length", [len(DATA), None])
async def test_who_leaves_on_the_way_leaves_nothing(post, store, app, until, how, length, caplog):
    _, writer = await post(length=length)
    part = DATA[: len(DATA) // 2]
    writer.write(part if length else b"%x\r\n%b\r\n" % (len(part), part))
    await until(lambda: drafts(store))
    await asyncio.sleep(0.1)
    getattr(writer if how == "close" else writer.transport, how)()
    await until(lambda: not drafts(store) and app.bridge.busy == 0)
    assert not (store / "blobs" / DIGEST.replace(":", "-")).exists()
    assert not [record for record in caplog.records if record.levelname in ("ERROR", "CRITICAL")]


async def test_who_asks_first_is_told_to_go_on(post, store):
    reader, writer = await post(Expect="100-continue")
    assert await status_of(reader) == "100"
    writer.write(DATA)
    await reader.readline()
    assert await status_of(reader) == "201"


@pytest.mark.parametrize(("digest", "status"), [(DIGEST, "200"), ("x", "400")])
async def test_who_asks_first_need_not_send_what_is_not_wanted(post, store, digest, status):
    reader, writer = await post()
    writer.write(DATA)
    assert await status_of(reader) == "201"
    reader, _ = await post(digest=digest, Expect="100-continue")
    answer = (await asyncio.wait_for(reader.read(), PATIENCE)).decode()
    assert answer.startswith(f"HTTP/1.1 {status} ")
    assert "\r\nConnection: close\r\n" in answer


@pytest.mark.parametrize("digest", [DIGEST, "x"])
async def test_who_does_not_ask_is_told_at_once_and_heard_out(post, store, digest):
    reader, writer = await post()
    writer.write(DATA)
    assert await status_of(reader) == "201"
    reader, writer = await post(digest=digest, length=5 << 30)
    writer.write(DATA)
    status = await status_of(reader)
    assert status == ("200" if digest == DIGEST else "400")
    for _ in range(20):
        writer.write(DATA)
        await asyncio.wait_for(writer.drain(), PATIENCE)
    assert not drafts(store)


async def test_the_connection_serves_on_after_an_early_answer(post, store, jp_base_url):
    reader, writer = await post(digest="x", length=1000)
    assert await status_of(reader) == "400"
    writer.write(bytes(1000))
    await reader.readuntil(b'digest format"}')
    writer.write(f"GET {jp_base_url}api/version HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    assert await status_of(reader) == "200"


async def test_more_than_the_disk_has_room_for(post, store):
    reader, _ = await post(length=1 << 60)
    assert await status_of(reader) == "507"
    assert not drafts(store)


async def test_a_disk_that_becomes_full_on_the_way(post, store, monkeypatch):
    reader, writer = await post(length=None)
    monkeypatch.setattr(upload, "_CHECK_EVERY", 1)
    monkeypatch.setattr(space, "_LEAST_RESERVE", 1 << 60)
    for _ in range(30):
        writer.write(b"%x\r\n%b\r\n" % (len(DATA), DATA))
    assert await status_of(reader) == "507"
    assert not drafts(store)


@pytest.mark.parametrize("jp_argv", [["--ServerApp.max_body_size=1000000"]])
async def test_the_servers_own_limit_does_not_count(fetch, store, jp_argv):
    answer = await fetch("api", "blobs", DIGEST, body=DATA)
    assert answer.code == 201


async def test_a_sender_who_falls_silent_is_dropped(post, store, app, until, monkeypatch, caplog):
    monkeypatch.setattr(uploads, "READ_TIMEOUT", 0.2)
    reader, writer = await post()
    writer.write(DATA[:100_000])
    assert await asyncio.wait_for(reader.read(), PATIENCE) == b""
    await until(lambda: not drafts(store) and app.bridge.busy == 0)
    assert "sends nothing any more" in caplog.text


class Timer:
    """Would drop a silent sender, if this were a real loop."""

    def __init__(self, *_):
        self.runs = True

    def cancel(self):
        self.runs = False


async def test_a_slow_disk_is_no_silence(post, store, monkeypatch):
    """While a piece is taken nobody counts the seconds, however many the disk needs."""
    take, timers, running = Receiving.take, [], []

    def begin(*arguments):
        timers.append(Timer(*arguments))
        return timers[-1]

    async def watched(self, chunk):
        running.extend(timer for timer in timers if timer.runs)
        answer = await take(self, chunk)
        running.extend(timer for timer in timers if timer.runs)
        return answer

    loop = SimpleNamespace(call_later=begin)
    monkeypatch.setattr(uploads, "asyncio", SimpleNamespace(get_running_loop=lambda: loop))
    monkeypatch.setattr(Receiving, "take", watched)
    reader, writer = await post()
    writer.write(DATA)
    assert await status_of(reader) == "201"
    assert len(timers) > 1
    assert not running


async def test_strangers_send_nothing(post, store, caplog):
    reader, _ = await post(token="wrong")
    assert await status_of(reader) == "403"
    assert not drafts(store)


async def test_a_cookie_needs_its_xsrf_and_no_content_type(fetch, store):
    login = (await fetch("api", "tags")).headers["Set-Cookie"].split(";")[0]
    page = await fetch("login", token=False)
    xsrf = re.search(r"_xsrf=([^;]+)", page.headers["Set-Cookie"])[1]
    cookie = {"Cookie": f"{login}; _xsrf={xsrf}"}
    for kind in ("text/plain", "application/json", "application/octet-stream"):
        headers = cookie | {"Content-Type": kind}
        refused = await fetch("api", "blobs", DIGEST, token=False, body=DATA, headers=headers)
        assert refused.code == 403
        assert not (store / "blobs" / DIGEST.replace(":", "-")).exists()
    headers |= {"X-XSRFToken": xsrf, "Content-Type": "text/plain"}
    answer = await fetch("api", "blobs", DIGEST, token=False, body=DATA, headers=headers)
    assert answer.code == 201


async def test_the_loop_is_free_while_a_piece_is_written(post, store, monkeypatch, fetch, until):
    write, go_on, began = upload.Upload.write, threading.Event(), threading.Event()

    def slow(self, data):
        began.set()
        assert go_on.wait(PATIENCE)
        write(self, data)

    monkeypatch.setattr(upload.Upload, "write", slow)
    reader, writer = await post(length=64 << 20)
    sent = 0
    writer.transport.set_write_buffer_limits(0)

    async def send():
        nonlocal sent
        for _ in range(16):
            writer.write(DATA)
            await writer.drain()
            sent += len(DATA)

    sending = asyncio.ensure_future(send())
    await until(began.is_set)
    assert (await fetch("api", "tags")).code == 200
    await asyncio.sleep(0.3)
    # Two pieces, and what the system and the stream hold.
    assert sent < 32 << 20
    go_on.set()
    await asyncio.wait_for(sending, PATIENCE)
    assert await status_of(reader) == "400"
