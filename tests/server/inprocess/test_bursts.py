"""More connections than there is room for, in one turn of the loop."""

import asyncio
import socket

import pytest
from raw_http import PATIENCE, ask, parsed, request

from ollama_nb.server import listener


@pytest.fixture
def run(jp_asyncio_loop):
    """Run what the test describes on the server's loop."""
    return jp_asyncio_loop.run_until_complete


@pytest.fixture
def burst(monkeypatch, serve_alone):
    """Five connections to a standalone server that takes three; its loop stands still."""
    monkeypatch.setattr(listener, "CONNECTIONS", 3)
    app = serve_alone()
    address = (app.ip, app.port)
    plugs = [socket.create_connection(address, PATIENCE) for _ in range(5)]
    yield address, plugs
    for plug in plugs:
        plug.close()


def test_those_who_say_nothing_make_room_for_those_who_come(burst, run):
    address, plugs = burst

    async def scene():
        assert [await received(plug) for plug in plugs[:2]] == [b"", b""]
        assert (await ask(address, request("GET", "/api/version"))).status == 200
        assert await received(plugs[2]) == b""
        for plug in plugs[3:]:
            plug.sendall(request("GET", "/api/version"))
            assert parsed(await received(plug)).status == 200

    run(scene())


def test_as_many_as_there_is_room_for_are_answered(burst, run):
    _, plugs = burst
    for plug in plugs:
        plug.sendall(request("GET", "/api/version"))

    async def scene():
        for plug in plugs[2:]:
            assert parsed(await received(plug)).status == 200

    run(scene())


async def received(plug):
    """What the server sends until it closes."""
    plug.setblocking(False)
    data = b""
    while piece := await asyncio.get_running_loop().sock_recv(plug, 1 << 16):
        data += piece
    return data
