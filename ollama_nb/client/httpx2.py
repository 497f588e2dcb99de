"""The transports for libraries built on httpx2, httpx's successor, as newer SDKs are.

What is asked and answered is the business of httpx's transports; here the classes around it are
the other library's. Needs httpx2, which whoever is built on it brings along.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import httpx2

from ollama_nb.service import Service

from .async_kernel_transport import AsyncKernelTransport as _AsyncOfHttpx
from .kernel_transport import KernelTransport as _OfHttpx


class KernelTransport(httpx2.BaseTransport):
    """Requests go to the route table instead of a socket. Closing it leaves the engine alone."""

    def __init__(self, service: Service | None = None) -> None:
        """Take a service, or else the shared one of this process when it is first needed."""
        self._transport = _OfHttpx(service)

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Answer one request; returns with the first piece of a stream, or its error's status."""
        with _told():
            answer = self._transport.handle_request(_asked(request))
        return _answered(answer, _Pieces(answer))


class AsyncKernelTransport(httpx2.AsyncBaseTransport):
    """The same for code that awaits."""

    def __init__(self, service: Service | None = None) -> None:
        """Take a service, or else the shared one of this process when it is first needed."""
        self._transport = _AsyncOfHttpx(service)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Answer one request; returns with the first piece of a stream, or its error's status."""
        with _told():
            answer = await self._transport.handle_async_request(_asked(request))
        return _answered(answer, _AsyncPieces(answer))


def transport() -> KernelTransport:
    """Return an httpx2 transport to the engine of this process."""
    return KernelTransport()


def async_transport() -> AsyncKernelTransport:
    """Return an httpx2 transport to the engine of this process, for code that awaits."""
    return AsyncKernelTransport()


class _Pieces(httpx2.SyncByteStream):
    """The body of an answer."""

    def __init__(self, answer: httpx.Response) -> None:
        self._body: Any = answer.stream

    def __iter__(self) -> Iterator[bytes]:
        with _told():
            yield from self._body

    def close(self) -> None:
        self._body.close()


class _AsyncPieces(httpx2.AsyncByteStream):
    """The body of an answer that is awaited."""

    def __init__(self, answer: httpx.Response) -> None:
        self._body: Any = answer.stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _told():
            async for piece in self._body:
                yield piece

    async def aclose(self) -> None:
        await self._body.aclose()


@contextmanager
def _told() -> Iterator[None]:
    """Raise the other library's class for what the transports raise."""
    try:
        yield
    except httpx.ReadTimeout as error:
        raise httpx2.ReadTimeout(str(error)) from None


def _asked(request: httpx2.Request) -> httpx.Request:
    """The request as httpx knows it; its body is still to come."""
    body: Any = request.stream
    return httpx.Request(
        request.method,
        str(request.url),
        headers=request.headers.raw,
        stream=body,
        extensions=request.extensions,
    )


def _answered(answer: httpx.Response, body: _Pieces | _AsyncPieces) -> httpx2.Response:
    return httpx2.Response(answer.status_code, headers=answer.headers.raw, stream=body)
