"""Bodies too large for memory, on their way from the event loop to the contract.

While a thread writes one piece, the event loop collects the next one and no more: who sends faster
than the disk takes has to wait.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVarTuple

from ollama_nb.errors import Cancelled, OllamaError
from ollama_nb.http import Incoming, Response

from .calling import Call

_Given = TypeVarTuple("_Given")

PIECE = 1 << 20
"""Bytes that a thread is given at a time."""


class Receiving:
    """One body, taken from the event loop."""

    def __init__(self, incoming: Incoming, call: Call) -> None:
        """Take what nobody else gives pieces to, and whose threads write them.

        ``call`` raises an OllamaError, such as Cancelled when there are no threads any more, for
        what the sender is told; anything else is raised here.
        """
        self._incoming = incoming
        self._call = call
        self._piece = bytearray()
        self._writing: asyncio.Future[Response | None] | None = None
        self._ending: asyncio.Task[None] | None = None
        self._over = False

    async def take(self, chunk: bytes) -> Response | None:
        """Take what has come. A Response is the answer: the rest of the body is not wanted."""
        self._piece += chunk
        if len(self._piece) < PIECE:
            return None
        return await self._or_refusal(self._pass_on())

    async def finish(self) -> Response:
        """Answer, now that everything has come."""
        return await self._or_refusal(self._end()) or self._incoming.refusal(Cancelled())

    def leave(self) -> None:
        """The sender has gone. Harmless when it has been answered."""
        self._ending = asyncio.ensure_future(self.abort())

    async def abort(self) -> None:
        """Leave nothing behind, once what is being written is. Harmless after the answer."""
        if self._over:
            return
        self._over = True
        try:
            await self._written()
            await self._call(self._incoming.abort)
        except Exception:  # noqa: BLE001 - no thread does it; who waits for a write learns why
            self._incoming.abort()

    async def _or_refusal(self, part: Awaitable[Response | None]) -> Response | None:
        """Await a part of it; what a thread could not be had for leaves nothing behind."""
        try:
            return await part
        except OllamaError as error:
            self._drop()
            return self._incoming.refusal(error)
        except Exception:
            self._drop()
            raise

    def _drop(self) -> None:
        """Leave nothing behind: a thread has failed to start, so none is writing."""
        self._over = True
        self._incoming.abort()

    async def _end(self) -> Response | None:
        """Give the thread what is left, then the end of it."""
        answer = await self._pass_on() or await self._written()
        if answer is None and not self._over:
            self._give(self._incoming.finish)
            answer = await self._written()
        return answer

    async def _pass_on(self) -> Response | None:
        """Give the thread what has been collected, once it has written what it was given before."""
        answer = await self._written()
        if answer is None and not self._over:
            piece, self._piece = self._piece, bytearray()
            self._give(self._incoming.write, piece)
        return answer

    def _give(self, work: Callable[[*_Given], Response | None], *args: *_Given) -> None:
        """Let a thread do the next part."""
        self._writing = asyncio.ensure_future(self._call(work, *args))

    async def _written(self) -> Response | None:
        """Wait for the thread; who is cancelled meanwhile leaves it to its work and aborts next."""
        writing = self._writing
        if writing is None:
            return None
        try:
            answer = await asyncio.shield(writing)
        finally:
            if writing.done():
                self._writing = None
        self._over = self._over or answer is not None
        return answer
