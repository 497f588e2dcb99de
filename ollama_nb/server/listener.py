"""The standalone server's port: how many may be connected at a time, and for how long unheard.

Inside jupyter-server the port is jupyter-server's, and what stands before it is its owner's choice.
"""

import sys
from collections.abc import Awaitable, Callable
from typing import Any

from tornado.httpserver import HTTPServer
from tornado.httputil import (
    HTTPConnection,
    HTTPHeaders,
    HTTPMessageDelegate,
    RequestStartLine,
    ResponseStartLine,
)
from tornado.iostream import IOStream

from ollama_nb.errors import Busy
from ollama_nb.http import SERVER, error_response

if sys.platform != "win32":
    import resource

CONNECTIONS = 1024
"""Most connections at a time; each costs a descriptor, and each request some memory."""

HEADER_TIMEOUT = 120.0
"""Seconds until the headers of a connection's next request must be there."""


class Listener(HTTPServer):
    """Closes who says nothing for too long, and the quietest first when there are too many.

    Only when every connection has a request at work is a new one refused.
    """

    def initialize(self, *args: Any, **options: Any) -> None:
        """Take what HTTPServer takes."""
        super().initialize(*args, **{**options, "idle_connection_timeout": HEADER_TIMEOUT})
        self._most = min(CONNECTIONS, _descriptors() // 2)
        self._open: set[IOStream] = set()
        self._waiting: dict[IOStream, None] = {}
        """Connections whose next request has not come, those that have waited longest first."""

    def handle_stream(self, stream: IOStream, address: Any) -> None:
        """Serve a new connection, if there is room for it or can be made."""
        if len(self._open) >= self._most and not self._make_room():
            stream.write(_refusal())
            stream.close()
            return
        self._open.add(stream)
        self._waiting[stream] = None  # at once: others may come before its first turn
        super().handle_stream(stream, address)

    def start_request(
        self, server_conn: object, request_conn: HTTPConnection
    ) -> HTTPMessageDelegate:
        """Wait for the next request of a connection."""
        stream: IOStream = request_conn.stream  # type: ignore[attr-defined]
        self._waiting[stream] = None
        request = super().start_request(server_conn, request_conn)
        return _Arrival(request, lambda: self._waiting.pop(stream, None))

    def on_close(self, server_conn: object) -> None:
        """A connection has ended."""
        stream: IOStream = server_conn.stream  # type: ignore[attr-defined]
        self._open.discard(stream)
        self._waiting.pop(stream, None)
        super().on_close(server_conn)

    def _make_room(self) -> bool:
        """Close the connection that has waited longest. Returns whether there was one."""
        longest = next(iter(self._waiting), None)
        if longest is None:
            return False
        del self._waiting[longest]
        self._open.discard(longest)
        longest.close()
        return True


class _Arrival(HTTPMessageDelegate):
    """Says when the headers of a request are there; the rest is another delegate's business."""

    def __init__(self, request: HTTPMessageDelegate, arrived: Callable[[], object]) -> None:
        self._request = request
        self._arrived = arrived

    def headers_received(
        self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders
    ) -> Awaitable[None] | None:
        self._arrived()
        return self._request.headers_received(start_line, headers)

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        return self._request.data_received(chunk)

    def finish(self) -> None:
        self._request.finish()

    def on_connection_close(self) -> None:
        self._request.on_connection_close()


def _descriptors() -> int:
    """How many files and sockets this process may have open; models and downloads need some."""
    if sys.platform == "win32":
        return 2 * CONNECTIONS
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return 2 * CONNECTIONS if soft == resource.RLIM_INFINITY else soft


def _refusal() -> bytes:
    """The answer to a connection that is refused before it has said for what it came."""
    answer = error_response(Busy(), "/")
    body = answer.body
    assert isinstance(body, bytes)
    headers = {
        **answer.headers,
        "Content-Length": str(len(body)),
        "Connection": "close",
        "Server": SERVER,
    }
    lines = [f"HTTP/1.1 {answer.status} Service Unavailable"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body
