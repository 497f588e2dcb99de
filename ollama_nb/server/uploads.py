"""An upload as a conversation: answered early, dropped when silent, ended when the server stops.

How its bytes reach the contract is the business of ``loop``.
"""

import asyncio
import contextlib
from collections.abc import Awaitable
from typing import Any, Protocol

from ollama_nb.errors import Cancelled, OllamaError
from ollama_nb.http import Incoming, Request, Response
from ollama_nb.loop import Receiving

from .bridge import Bridge

READ_TIMEOUT = 120.0
"""Seconds that a sender may be silent in the middle of an upload before it counts as gone."""


class Sender(Protocol):
    """The handler that the answers go through, as far as it matters here."""

    request: Any

    def set_header(self, name: str, value: str) -> None:
        """Set a header of the answer."""

    def send(self, response: Response) -> None:
        """Answer."""

    def refuse(self, error: OllamaError) -> None:
        """Answer with an error."""

    def send_unfinished(self, response: Response) -> None:
        """Answer while the body is still coming."""

    def finish(self) -> object:
        """End the answer."""

    def drop(self, what: str) -> None:
        """Break the connection to somebody who does nothing any more."""


class Upload:
    """One upload, for the handler that has been asked for it."""

    def __init__(self, handler: Sender, bridge: Bridge) -> None:
        """Take whom the answers go through; ``begin`` follows."""
        self._handler = handler
        self._bridge = bridge
        self._receiving: Receiving | None = None
        self._held = contextlib.ExitStack()
        self._silence: asyncio.TimerHandle | None = None
        self._answered = False
        self._ended = False

    async def begin(self, request: Request) -> None:
        """Answer before the body comes, or be ready for it."""
        try:
            self._held.enter_context(self._bridge.working(self._stop, user=request.user))
            answer = await self._bridge.begin(request)
        except OllamaError as error:
            if not self._ended:
                self._handler.refuse(error)
            return
        if self._ended:  # meanwhile, by the server's end
            if isinstance(answer, Incoming):
                await Receiving(answer, self._bridge.call).abort()
        elif isinstance(answer, Response):
            self._answer_early(answer)
        else:
            self._receiving = Receiving(answer, self._bridge.call)
            self._listen()

    def take(self, chunk: bytes) -> Awaitable[None] | None:
        """Pass on what has come, or throw it away if the answer is known."""
        if self._receiving is not None:
            return self._pass_on(self._receiving, chunk)
        self._listen()
        return None

    async def finish(self) -> None:
        """Answer, now that everything has come, or end the answer."""
        if self._receiving is None:
            self._handler.finish()
            return
        self._stop_listening()
        answer = await self._receiving.finish()
        if not self._ended:
            self._handler.send(answer)

    def leave(self) -> None:
        """The sender has gone."""
        if self._receiving is not None:
            self._receiving.leave()
        self.end()

    def end(self) -> None:
        """Let go of everything: it has been answered, or never will be."""
        self._ended = True
        self._stop_listening()
        self._held.close()

    async def _pass_on(self, receiving: Receiving, chunk: bytes) -> None:
        self._stop_listening()
        answer = await receiving.take(chunk)
        if self._ended:
            return
        if answer is None:
            self._listen()
        else:
            self._answer_early(answer)

    def _answer_early(self, response: Response) -> None:
        """Answer while the body is still coming; the rest of it is read and thrown away.

        Who listens only after having sent everything would else find the connection broken. Not so
        who has asked whether to send it.
        """
        self._answered = True
        self._receiving = None
        self._held.close()
        if self._handler.request.headers.get("Expect", "").lower() == "100-continue":
            self._handler.set_header("Connection", "close")  # as Tornado then does
            self._handler.send(response)
        else:
            self._handler.send_unfinished(response)
            self._listen()

    async def _stop(self) -> None:
        """The server stops."""
        if self._receiving is not None:
            await self._receiving.abort()
        if not (self._answered or self._ended):
            self._handler.refuse(Cancelled())

    def _listen(self) -> None:
        """Wait for the next part, but not for ever."""
        self._stop_listening()
        loop = asyncio.get_running_loop()
        self._silence = loop.call_later(READ_TIMEOUT, self._handler.drop, "sends")

    def _stop_listening(self) -> None:
        if self._silence is not None:
            self._silence.cancel()
