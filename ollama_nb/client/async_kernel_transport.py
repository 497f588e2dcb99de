"""The httpx transport for code that awaits, on asyncio.

What blocks, such as a load, has a thread of its own meanwhile; an answer under way has none.
"""

from collections.abc import AsyncIterator
from dataclasses import replace

import httpx

from ollama_nb.errors import OllamaError
from ollama_nb.http import Body, Incoming, Request, Response, begin, handle, takes_pieces
from ollama_nb.loop import Arrivals, Bell, Receiving, call
from ollama_nb.service import Service
from ollama_nb.service.shared import shared_service

from .exchange import asked, failed, ready


class AsyncKernelTransport(httpx.AsyncBaseTransport):
    """Requests go to the route table instead of a socket. Closing it leaves the engine alone.

    One may serve several event loops. httpx's timeouts do not apply, they are a socket's; who will
    not wait cancels the task, as asyncio.timeout does.
    """

    def __init__(self, service: Service | None = None) -> None:
        """Take a service, or else the shared one of this process when it is first needed."""
        self._service = service

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer one request; returns with the first piece of a stream, or its error's status.

        Cancelling it stops the work, while the model loads too: once it is loaded.
        """
        wanted = asked(request)
        if takes_pieces(wanted):
            begun = await call(self._begin, wanted, unwanted=_drop)
            answer = begun if isinstance(begun, Response) else await _sent(begun, request)
        else:
            wanted = replace(wanted, body=await request.aread())
            answer = await call(self._handle, wanted, unwanted=_drop)
        if isinstance(answer.body, bytes):
            return ready(answer)
        return await _begun(answer, answer.body, wanted)

    def _handle(self, wanted: Request) -> Response:
        return handle(self._service or shared_service(), wanted)

    def _begin(self, wanted: Request) -> Response | Incoming:
        return begin(self._service or shared_service(), wanted)


def async_transport() -> AsyncKernelTransport:
    """Return an httpx transport to the engine of this process, for any library that awaits one."""
    return AsyncKernelTransport()


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


def _drop(answer: Response | Incoming) -> None:
    """Stop what goes on behind an answer that nobody waits for any more."""
    if isinstance(answer, Incoming):
        answer.abort()
    elif not isinstance(answer.body, bytes):
        answer.body.cancel()


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


async def _begun(answer: Response, body: Body, wanted: Request) -> httpx.Response:
    """Await the first piece: until then a failure still has its own status (1.4)."""
    arrivals = Arrivals(body, Bell())
    pieces = arrivals.pieces()
    try:
        first = await anext(pieces, b"")
    except OllamaError as error:
        return failed(error, wanted)
    except BaseException:
        arrivals.leave()
        raise
    stream = _Pieces(first, pieces, arrivals)
    return httpx.Response(answer.status, headers=dict(answer.headers), stream=stream)
