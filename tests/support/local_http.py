"""HTTP servers in threads of the test's own process, on real sockets, that end when told to."""

import contextlib
import select
import socket
import struct
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingTCPServer
from typing import Self

CHUNK = 1 << 18
_HAS_LEFT = getattr(select, "POLLRDHUP", 0)
"""Linux has to be asked for it; others say POLLHUP by themselves."""
_ANY = "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"


class HungUp(Exception):
    """The connection ends here, on purpose or because the other side has left."""


class LocalServer(ThreadingTCPServer):
    """Listens from the beginning, answers within ``with``; at its end every thread has ended."""

    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, handler: type["Handler"], host: str = "127.0.0.1"):
        super().__init__((host, 0), handler)
        self.port: int = self.server_address[1]
        self.host = f"{host}:{self.port}"
        self.url = f"http://{self.host}"
        self.lock = threading.Lock()
        self.closed = threading.Event()
        self.paused = 0.0
        """Seconds that clients were kept waiting on purpose: time, for a test that has no clock."""
        self.errors: list[BaseException] = []
        """What went wrong in a thread and was not meant to: raised at the end."""
        self._open: set[socket.socket] = set()
        self._reset: set[socket.socket] = set()

    def url_as(self, name: str) -> str:
        """This server under another name of its host, which makes it another origin."""
        return f"http://{name}:{self.port}"

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self.serve_forever, args=(0.02,))
        self._thread.start()
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        self.closed.set()
        self.shutdown()
        with self.lock:
            for connection in self._open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        self.server_close()
        self._thread.join()
        if self.errors and not kind:
            raise self.errors[0]

    def reset(self, connection: socket.socket) -> None:
        """End this connection with RST instead of FIN."""
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        with self.lock:
            self._reset.add(connection)

    def process_request(self, request: socket.socket, address: object) -> None:
        with self.lock:
            self._open.add(request)
        super().process_request(request, address)

    def shutdown_request(self, request: socket.socket) -> None:
        with self.lock:
            self._open.discard(request)
            reset = request in self._reset
            self._reset.discard(request)
        if reset:
            self.close_request(request)
        else:
            super().shutdown_request(request)

    def handle_error(self, request: socket.socket, address: object) -> None:
        error = sys.exception()
        if error and not isinstance(error, HungUp | ConnectionError):
            self.errors.append(error)


class Handler(BaseHTTPRequestHandler):
    """Every request comes to ``serve``; connections stay open between requests."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: LocalServer

    def serve(self) -> None:
        raise NotImplementedError

    def __getattr__(self, name: str) -> object:
        if name.removeprefix("do_") in _ANY:
            return self.serve
        raise AttributeError(name)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""

    def pause(self, seconds: float | None) -> None:
        """Wait, for ever with None; ends at once when the client leaves or the server closes."""
        waited = 0.0
        poll = select.poll()
        poll.register(self.connection, _HAS_LEFT)
        while seconds is None or waited < seconds:
            step = 0.02 if seconds is None else min(0.02, seconds - waited)
            if self.server.closed.wait(step):
                raise HungUp
            waited += step
            with self.server.lock:
                self.server.paused += step
            if poll.poll(0):
                raise HungUp

    def body(self) -> Iterator[bytes]:
        """What the client sends, as it comes."""
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            yield from self._chunked()
        else:
            yield from self._exactly(int(self.headers.get("Content-Length") or 0))

    def _exactly(self, size: int) -> Iterator[bytes]:
        while size:
            piece = self.rfile.read1(min(size, CHUNK))
            if not piece:
                raise HungUp
            size -= len(piece)
            yield piece

    def _chunked(self) -> Iterator[bytes]:
        while size := int(self.rfile.readline().partition(b";")[0], 16):
            yield from self._exactly(size)
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass
