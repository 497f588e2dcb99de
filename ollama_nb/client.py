"""The official Ollama client on the engine of this process: no port, no server.

An httpx transport over the route table; whatever takes an httpx transport can be pointed at the
kernel's engine. Imports no native code and no web framework.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import httpx
import ollama

from ollama_nb.errors import OllamaError
from ollama_nb.http import (
    Incoming,
    Request,
    Response,
    begin,
    error_response,
    handle,
    takes_pieces,
)
from ollama_nb.http.bodies import Body
from ollama_nb.service import Service
from ollama_nb.service.shared import shared_service

# Never resolved and never connected to. Given to the client so that OLLAMA_HOST, which may name a
# server and a path on it, has no say.
_ADDRESS = "http://kernel"


class KernelTransport(httpx.BaseTransport):
    """Requests go to the route table instead of a socket. Closing it leaves the engine alone."""

    def __init__(self, service: Service | None = None) -> None:
        """Take a service, or else the shared one of this process when it is first needed."""
        self._service = service

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer one request; returns with the first piece of a stream, or its error's status."""
        service = self._service or shared_service()
        asked = Request(
            request.method,
            request.url.raw_path.decode("ascii"),
            {name.lower(): value for name, value in request.headers.items()},
        )
        if takes_pieces(asked):
            answer = _sent(begin(service, asked), request)
        else:
            answer = handle(service, replace(asked, body=request.read()))
        if isinstance(answer.body, bytes):
            return _bytes_response(answer, answer.body)
        return _begun_response(answer, answer.body)


def transport() -> KernelTransport:
    """Return an httpx transport to the engine of this process, for any library that takes one."""
    return KernelTransport()


class Client(ollama.Client):
    """The official client: its methods and its types, with the engine in this process."""

    def __init__(self, **kwargs: Any) -> None:
        """Take what ``ollama.Client`` takes, except a host."""
        kwargs.setdefault("transport", transport())
        super().__init__(_ADDRESS, **kwargs)


class _Pieces(httpx.SyncByteStream):
    """A body on its way through httpx: closing it early stops the engine."""

    def __init__(self, first: bytes, rest: Iterator[bytes], body: Body) -> None:
        self._first = first
        self._rest = rest
        self._body = body

    def __iter__(self) -> Iterator[bytes]:
        yield self._first
        yield from self._rest

    def close(self) -> None:
        if not self._body.done:
            self._body.cancel()


def _sent(begun: Response | Incoming, request: httpx.Request) -> Response:
    """Give a body to the contract as it comes."""
    if isinstance(begun, Response):
        return begun
    try:
        for piece in request.stream:  # type: ignore[union-attr]
            answer = begun.write(piece)
            if answer is not None:
                return answer
        return begun.finish()
    except BaseException:
        begun.abort()
        raise


def _bytes_response(answer: Response, content: bytes) -> httpx.Response:
    return httpx.Response(answer.status, headers=dict(answer.headers), content=content)


def _begun_response(answer: Response, body: Body) -> httpx.Response:
    """Wait for the first piece: until then a failure still has its own status (1.4)."""
    pieces = iter(body)
    try:
        first = next(pieces, b"")
    except OllamaError as error:
        failed = error_response(error)
        return _bytes_response(failed, failed.body if isinstance(failed.body, bytes) else b"")
    except BaseException:
        body.cancel()
        raise
    return httpx.Response(
        answer.status, headers=dict(answer.headers), stream=_Pieces(first, pieces, body)
    )
