"""Who goes away stops the engine: while it answers, reads the prompt, waits, or loads."""

import asyncio
import json
import socket
import struct
import threading

import pytest

from ollama_nb.server import handlers

# At temperature 0 it repeats one token for ever, ten windows long: minutes.
ENDLESS = {"model": "endless", "prompt": "x", "options": {"temperature": 0, "num_ctx": 32_768}}


@pytest.fixture
def ask(http_server_client, jp_serverapp, jp_base_url, jp_asyncio_loop):
    """Send a generate request by hand; returns the reader and what closes the connection."""
    writers = []
    port = http_server_client.get_http_port()
    token = jp_serverapp.identity_provider.token

    async def ask(**fields):
        body = json.dumps(ENDLESS | fields)
        # A small window, so that a reader who does not read is noticed soon.
        plug = socket.socket()
        plug.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        plug.connect(("127.0.0.1", port))
        reader, writer = await asyncio.open_connection(sock=plug)
        writer.write(
            f"POST {jp_base_url}api/generate HTTP/1.1\r\nHost: localhost\r\n"
            f"Authorization: Bearer {token}\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()
        )
        await writer.drain()
        writers.append(writer)
        return reader, writer

    yield ask
    for writer in writers:
        writer.transport.abort()
    jp_asyncio_loop.run_until_complete(asyncio.sleep(0))


@pytest.fixture
def at_work(app):
    """How many sequences borrow a model at this moment."""
    service = app.bridge._service
    return lambda: sum(one.leases for one in service.scheduler.loaded())


async def status_of(reader):
    return (await reader.readline()).decode().split()[1]


async def test_in_the_middle_of_an_answer(ask, at_work, app, until):
    reader, writer = await ask()
    assert await status_of(reader) == "200"
    await reader.readuntil(b"\n{")
    assert at_work() == 1
    writer.close()
    await until(lambda: at_work() == 0 and app.bridge.busy == 0)


@pytest.mark.parametrize("fields", [{"stream": False}, {"prompt": "word " * 4000, "stream": False}])
async def test_before_anything_is_written(ask, at_work, app, until, fields, caplog):
    _, writer = await ask(**fields)
    await until(lambda: at_work() == 1)
    writer.close()
    await until(lambda: at_work() == 0 and app.bridge.busy == 0)
    assert "499 POST" in caplog.text


async def test_by_a_reset(ask, at_work, app, until):
    reader, writer = await ask()
    await reader.readuntil(b"\n{")
    linger = struct.pack("ii", 1, 0)
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    writer.transport.abort()
    await until(lambda: at_work() == 0 and app.bridge.busy == 0)


async def test_while_waiting_for_its_turn(ask, at_work, app, until):
    reader, first = await ask()
    await reader.readuntil(b"\n{")
    _, second = await ask()
    await until(lambda: at_work() == 2)
    second.close()
    await until(lambda: at_work() == 1 and app.bridge.busy == 1)
    first.close()
    await until(lambda: at_work() == 0 and app.bridge.busy == 0)


@pytest.fixture
def slow_load(app, monkeypatch):
    """Loads wait until the gate is opened."""
    host = app.bridge._service.scheduler._host
    load = host.load

    class Gate:
        reached, opened = threading.Event(), threading.Event()

    def slow(*arguments):
        Gate.reached.set()
        assert Gate.opened.wait(180)
        return load(*arguments)

    monkeypatch.setattr(host, "load", slow)
    yield Gate
    Gate.opened.set()


@pytest.fixture
def left(monkeypatch):
    """Those whose leaving the server has noticed."""
    seen, notice = [], handlers.ContractHandler.on_connection_close

    def noticed(handler):
        notice(handler)
        seen.append(handler)

    monkeypatch.setattr(handlers.ContractHandler, "on_connection_close", noticed)
    return seen


@pytest.mark.parametrize("stream", [True, False])
async def test_while_the_model_loads(ask, at_work, app, until, slow_load, left, stream, caplog):
    _, writer = await ask(stream=stream)
    await until(slow_load.reached.is_set)
    writer.close()
    await until(lambda: left)
    slow_load.opened.set()
    await until(lambda: app.bridge.busy == 0)
    await until(lambda: at_work() == 0)
    assert app.bridge._service.ps().models
    assert "499 POST" in caplog.text


@pytest.mark.parametrize("jp_argv", [["--OllamaApp.max_queue=1"]])
async def test_a_full_queue(ask, fetch, until, slow_load):
    await ask()
    await until(slow_load.reached.is_set)
    names = ("guide", "guide:think")
    others = [asyncio.ensure_future(fetch("api", "generate", body={"model": x})) for x in names]
    done, _ = await asyncio.wait(others, return_when=asyncio.FIRST_COMPLETED)
    answer = done.pop().result()
    assert (answer.code, json.loads(answer.body)) == (
        503,
        {"error": "server busy, please try again.  maximum pending requests exceeded"},
    )
    assert (await fetch("api", "ps")).code == 200
    slow_load.opened.set()
    await asyncio.wait(others)


async def test_the_next_one_is_served_at_once(ask, fetch):
    reader, writer = await ask()
    await reader.readuntil(b"\n{")
    writer.close()
    answer = await fetch(
        "api", "generate", body=ENDLESS | {"options": ENDLESS["options"] | {"num_predict": 2}}
    )
    assert json.loads(answer.body.splitlines()[-1])["eval_count"] == 2


async def test_nothing_is_logged_as_an_error(ask, at_work, until, caplog):
    reader, writer = await ask()
    await reader.readuntil(b"\n{")
    writer.close()
    _, other = await ask(stream=False)
    await until(lambda: at_work() > 0)
    other.close()
    await until(lambda: at_work() == 0)
    assert not [record for record in caplog.records if record.levelname in ("ERROR", "CRITICAL")]


async def test_a_reader_who_does_not_read_is_dropped(
    http_server_port, ask, at_work, app, until, monkeypatch, caplog
):
    # What the system buffers for a reader would hold all that the engine has to say.
    http_server_port[0].setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    monkeypatch.setattr(handlers, "WRITE_TIMEOUT", 0.2)
    _, writer = await ask()
    writer.transport.pause_reading()
    await until(lambda: at_work() == 1)
    await until(lambda: at_work() == 0 and app.bridge.busy == 0)
    assert "takes nothing any more" in caplog.text


async def test_many_at_once_leave_the_loop_free(ask, app, fetch, until, at_work):
    everybody = [await ask() for _ in range(6)]
    await until(lambda: at_work() == 6)
    assert len(json.loads((await fetch("api", "ps")).body)["models"]) == 1
    for _, writer in everybody:
        writer.close()
    await until(lambda: at_work() == 0 and app.bridge.busy == 0)
