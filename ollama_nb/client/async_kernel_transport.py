"""The httpx transport for code that awaits, on asyncio.

What blocks, such as a load, has a thread of its own meanwhile; an answer under way has none.
"""

from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial

import httpx

from ollama_nb.errors import OllamaError
from ollama_nb.http import Body, Incoming, Request, Response, begin, handle, takes_pieces
from ollama_nb.loop import Arrivals, Bell, Receiving, call, within
from ollama_nb.service import Service
from ollama_nb.service.shared import shared_service

from .exchange import asked, drop, failed, ready
from .patience import late, read_timeout


class AsyncKernelTransport(httpx.AsyncBaseTransport):
    """Requests go to the route table instead of a socket. Closing it leaves the engine alone.

    One may serve several event loops. Of httpx's timeouts the one for reading applies, though not
    to uploads.
    """

    def __init__(self, service: Service | None = None) -> None:
        """Take a service, or else the shared one of this process when it is first needed."""
        self._service = service

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer one request; returns with the first piece of a stream, or its error's status.

        Cancelling it stops the work, while the model loads too: once it is loaded.
        """
        wanted = asked(request)
        seconds = read_timeout(request)
        if takes_pieces(wanted):
            begun = await call(self._begin, wanted, unwanted=drop)
            answer = begun if isinstance(begun, Response) else await _sent(begun, request)
        else:
            wanted = replace(wanted, body=await request.aread())
            async with within(seconds, partial(late, seconds)):
                answer = await call(self._handle, wanted, unwanted=drop)
        if isinstance(answer.body, bytes):
            return ready(answer)
        return await _begun(answer, answer.body, wanted, seconds)

    def _handle(self, wanted: Request) -> Response:
        return handle(self._service or shared_service(), wanted)

    def _begin(self, wanted: Request) -> Response | Incoming:
        return begin(self._service or shared_service(), wanted)


def async_transport() -> AsyncKernelTransport:
    """Return an httpx transport to the engine of this process, for any library that awaits one.

    As with `transport`, an ``httpx.AsyncClient`` should be given a timeout.
    """
    return AsyncKernelTransport()


async def _pieces_within(seconds: float, arrivals: Arrivals) -> AsyncIterator[bytes]:
    """The pieces of an answer; one that does not come in time is not waited for."""
    pieces = arrivals.pieces()
    while True:
        async with within(seconds, partial(late, seconds)):
            piece = await anext(pieces, b"")
        if not piece:
            return
        yield piece


class _Pieces(httpx.AsyncByteStream):
    """A body on its way through httpx: closing it early stops the engine."""

    def __init__(self, first: bytes, rest: AsyncIterator[bytes], arrivals: Arrivals) -> None:
        self._first = first
        self._rest = rest
        self._arrivals = arrivals

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._first
        async for piece in self._rest:
            yield piece

    async def aclose(self) -> None:
        self._arrivals.leave()


async def _sent(incoming: Incoming, request: httpx.Request) -> Response:
    """Give a body to the contract as it comes."""
    receiving = Receiving(incoming, call)
    try:
        async for piece in request.stream:  # type: ignore[union-attr]
            answer = await receiving.take(piece)
            if answer is not None:
                return answer
        return await receiving.finish()
    except BaseException:
        await receiving.abort()
        raise


async def _begun(
    answer: Response, body: Body, wanted: Request, seconds: float | None
) -> httpx.Response:
    """Await the first piece: until then a failure still has its own status (1.4)."""
    arrivals = Arrivals(body, Bell())
    pieces = arrivals.pieces() if seconds is None else _pieces_within(seconds, arrivals)
    try:
        first = await anext(pieces, b"")
    except OllamaError as error:
        return failed(error, wanted)
    except BaseException:
        arrivals.leave()
        raise
    stream = _Pieces(first, pieces, arrivals)
    return httpx.Response(answer.status, headers=dict(answer.headers), stream=stream)
