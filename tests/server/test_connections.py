"""Ten thousand connections that say nothing, and what the others notice of them: nothing."""

import contextlib
import socket

import httpx
import psutil
import pytest
from raw_http import exchange, request
from servers import standalone_server

from ollama_nb.server.listener import CONNECTIONS

resource = pytest.importorskip("resource")

MANY = 10_000
SPARE = 300
"""Descriptors that this process needs for other things."""


@pytest.fixture
def many():
    """As many connections as this machine lets a process open, up to ten thousand."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield min(MANY, (MANY if hard == resource.RLIM_INFINITY else hard) - SPARE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.fixture
def server(tmp_path, stocked):
    with standalone_server(tmp_path / "server", stocked) as server:
        yield server


@pytest.fixture
def opened():
    """Connections that are closed at the end."""
    with contextlib.ExitStack() as held:

        def opened(address, data=b""):
            connection = held.enter_context(socket.create_connection(address, 180))
            connection.sendall(data)
            return connection

        yield opened


@pytest.mark.parametrize(
    ("said", "share"), [(b"", 1), (b"GET / HTTP/1.1\r\nX-", 4)], ids=["nothing", "a little"]
)
def test_they_keep_nobody_from_an_answer(server, many, opened, said, share):
    process = psutil.Process(server.process.pid)
    before = process.num_fds()
    with httpx.Client(base_url=server.url, timeout=180) as friend:
        for number in range(many // share):
            opened(server.address, said)
            if number % 500 == 0:
                assert friend.get("/api/version").status_code == 200
    assert exchange(server.address, request("GET", "/api/tags")).status == 200
    assert process.num_fds() - before <= CONNECTIONS + SPARE
    assert "Traceback" not in server.log.read_text()


def test_descriptors_come_back(server, opened):
    process = psutil.Process(server.process.pid)
    before = process.num_fds()
    connections = [opened(server.address) for _ in range(200)]
    assert exchange(server.address, request("GET", "/api/tags")).status == 200
    assert process.num_fds() >= 200
    for connection in connections:
        connection.close()
    while process.num_fds() > before + 20:
        assert exchange(server.address, request("GET", "/api/version")).status == 200
