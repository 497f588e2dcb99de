"""The httpx transport for code that waits."""

from collections.abc import Iterator
from dataclasses import replace

import httpx

from ollama_nb.errors import OllamaError
from ollama_nb.http import Body, Incoming, Request, Response, begin, handle, takes_pieces
from ollama_nb.service import Service
from ollama_nb.service.shared import shared_service

from .exchange import asked, drop, failed, ready
from .patience import pieces_within, read_timeout, within


class KernelTransport(httpx.BaseTransport):
    """Requests go to the route table instead of a socket. Closing it leaves the engine alone.

    Of httpx's timeouts the one for reading applies, though not to uploads.
    """

    def __init__(self, service: Service | None = None) -> None:
        """Take a service, or else the shared one of this process when it is first needed."""
        self._service = service

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer one request; returns with the first piece of a stream, or its error's status."""
        service = self._service or shared_service()
        wanted = asked(request)
        seconds = read_timeout(request)
        if takes_pieces(wanted):
            answer = _sent(begin(service, wanted), request)
        else:
            wanted = replace(wanted, body=request.read())
            answer = within(seconds, lambda: handle(service, wanted), unwanted=drop)
        if isinstance(answer.body, bytes):
            return ready(answer)
        return _begun(answer, answer.body, wanted, seconds)


def transport() -> KernelTransport:
    """Return an httpx transport to the engine of this process, for any library that takes one.

    An ``httpx.Client`` of which nothing else is said waits 5 seconds for the next bytes, which the
    load of a model may take: give it a timeout.
    """
    return KernelTransport()


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


def _begun(answer: Response, body: Body, wanted: Request, seconds: float | None) -> httpx.Response:
    """Wait for the first piece: until then a failure still has its own status (1.4)."""
    pieces = pieces_within(seconds, body)
    try:
        first = next(pieces, b"")
    except OllamaError as error:
        return failed(error, wanted)
    except BaseException:
        body.cancel()
        raise
    stream = _Pieces(first, pieces, body)
    return httpx.Response(answer.status, headers=dict(answer.headers), stream=stream)
