"""The standalone server's port: how many may be connected at a time, and for how long unheard.

Limits are those of the reference, faults and security, 5.

Inside jupyter-server the port is jupyter-server's, and what stands before it is its owner's choice.
"""

import asyncio
import re
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

from ollama_nb.errors import OllamaError, TooManyConnections
from ollama_nb.http import SERVER, error_response

if sys.platform != "win32":
    import resource

CONNECTIONS = 1024
"""Most connections at a time; each costs a descriptor, and each request some memory."""

HEADER_TIMEOUT = 30.0
"""Seconds until the headers of a connection's first request must be there."""

IDLE_TIMEOUT = 120.0
"""Seconds until those of its next one must be: it may be idle for a while, as kept ones are.

Tornado does not tell when they begin to come, so that the two have one limit.
"""

HEADER_LIMIT = 64 << 10
"""Bytes of a request's first line and headers. Twice as many are read, for an answer that says so;
from who sends more than that the connection is closed.
"""

_ORIGIN = re.compile(r"\Ahttps?://[^/?]*", re.IGNORECASE)


class Listener(HTTPServer):
    """Closes who says nothing for too long, and the quietest first when there are too many.

    Only when every connection has a request at work is a new one refused.
    """

    def initialize(self, *args: Any, **options: Any) -> None:
        """Take what HTTPServer takes."""
        limits = {"idle_connection_timeout": IDLE_TIMEOUT, "max_header_size": 2 * HEADER_LIMIT}
        super().initialize(*args, **{**options, **limits})
        self._most = min(CONNECTIONS, _descriptors() // 2)
        self._open: set[IOStream] = set()
        self._new: dict[IOStream, asyncio.TimerHandle] = {}
        """Connections whose first request has not come, and what ends them if it does not."""
        self._waiting: dict[IOStream, None] = {}
        """Connections whose next request has not come, those that have waited longest first."""

    def handle_stream(self, stream: IOStream, address: Any) -> None:
        """Serve a new connection, if there is room for it or can be made."""
        if len(self._open) >= self._most and not self._make_room():
            stream.write(_refusal(TooManyConnections(self._most)))
            stream.close()
            return
        self._open.add(stream)
        self._waiting[stream] = None  # at once: others may come before its first turn
        loop = asyncio.get_running_loop()
        self._new[stream] = loop.call_later(HEADER_TIMEOUT, stream.close)
        super().handle_stream(stream, address)

    def start_request(
        self, server_conn: object, request_conn: HTTPConnection
    ) -> HTTPMessageDelegate:
        """Wait for the next request of a connection."""
        stream: IOStream = request_conn.stream  # type: ignore[attr-defined]
        self._waiting[stream] = None
        request = super().start_request(server_conn, request_conn)
        return _Arrival(request, lambda: self._has_come(stream))

    def on_close(self, server_conn: object) -> None:
        """A connection has ended."""
        stream: IOStream = server_conn.stream  # type: ignore[attr-defined]
        self._open.discard(stream)
        self._has_come(stream)
        super().on_close(server_conn)

    def _has_come(self, stream: IOStream) -> None:
        """A connection's next request is there, or never will be."""
        self._waiting.pop(stream, None)
        if stream in self._new:
            self._new.pop(stream).cancel()

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
    """Says when the headers of a request are there; the rest is another delegate's business.

    Whatever is asked for becomes a path, so that our rules match it and nobody else's.
    """

    def __init__(self, request: HTTPMessageDelegate, arrived: Callable[[], object]) -> None:
        self._request = request
        self._arrived = arrived

    def headers_received(
        self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders
    ) -> Awaitable[None] | None:
        assert isinstance(start_line, RequestStartLine)
        self._arrived()
        return self._request.headers_received(_with_path(start_line), headers)

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        return self._request.data_received(chunk)

    def finish(self) -> None:
        self._request.finish()

    def on_connection_close(self) -> None:
        self._request.on_connection_close()


def _with_path(start_line: RequestStartLine) -> RequestStartLine:
    """The same with a path for its target, which may be a URL, as for a proxy, or a ``*``."""
    path = _ORIGIN.sub("", start_line.path)
    return start_line._replace(path=path if path.startswith("/") else f"/{path}")


def _descriptors() -> int:
    """How many files and sockets this process may have open; models and downloads need some."""
    if sys.platform == "win32":
        return 2 * CONNECTIONS
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return 2 * CONNECTIONS if soft == resource.RLIM_INFINITY else soft


def _refusal(error: OllamaError) -> bytes:
    """The answer to a connection that is refused before it has said for what it came."""
    answer = error_response(error, "/")
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
