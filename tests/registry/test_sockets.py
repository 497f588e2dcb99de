"""What the other side of a socket may do in the middle of a request or of an answer."""

import contextlib
import socket
import struct
import threading
from dataclasses import replace
from types import SimpleNamespace

import httpcore
import pytest
from pulls import QUICK

from ollama_nb.errors import RegistryStalled, RegistryUnreachable
from ollama_nb.names import Name
from ollama_nb.registry.remote import Repository
from ollama_nb.registry.sockets import Sockets

_AT_ONCE = struct.pack("ii", 1, 0)
"""For SO_LINGER: closing resets."""


@contextlib.contextmanager
def serving(act):
    """Act on the first connection, on another thread; the server's port."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve():
            connection, _ = server.accept()
            with connection, contextlib.suppress(OSError):
                act(connection)

        thread = threading.Thread(target=serve)
        thread.start()
        yield server.getsockname()[1]
        thread.join(120)


def connected(port, patience=QUICK):
    return Sockets(None, patience, threading.Event()).connect_tcp("127.0.0.1", port, 120)


def test_a_reset_while_something_is_sent_is_told_in_httpcores_terms():
    def reset(connection):
        connection.recv(1)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)

    with serving(reset) as port, contextlib.closing(connected(port)) as stream:

        def send():
            for _ in range(1000):
                stream.write(bytes(1 << 16), 120)

        with pytest.raises(httpcore.WriteError):
            send()


def test_waiting_for_an_answer_to_begin_is_no_low_rate(monkeypatch):
    clock = iter(range(0, 10_000, 2))

    def answer(connection):
        while data := connection.recv(1):
            connection.sendall(data)

    patience = replace(QUICK, rate=1000, rate_seconds=5)
    with serving(answer) as port, contextlib.closing(connected(port, patience)) as stream:
        ticking = SimpleNamespace(monotonic=lambda: next(clock))
        monkeypatch.setattr("ollama_nb.registry.sockets.time", ticking)
        for _ in range(10):
            stream.write(b"x")
            assert stream.read(1) == b"x"
        stream.write(b"x" * 100)

        def read():
            for _ in range(100):
                stream.read(1)

        with pytest.raises(RegistryStalled):
            read()


def test_answers_that_never_become_one_end():
    def hint(connection):
        connection.recv(1 << 16)
        while True:
            connection.sendall(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 1000)

    with serving(hint) as port:
        repository = Repository.of(Name.parse(f"127.0.0.1:{port}/library/x"), insecure=True)
        with (
            repository.connect(QUICK, threading.Event()) as remote,
            pytest.raises(RegistryUnreachable, match="its headers do not end"),
            remote.answer("GET", "manifests/latest"),
        ):
            pass
