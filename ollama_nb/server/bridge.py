"""The server's way to the service: its threads, what is at work, and the end of both.

The contract blocks, so it runs on threads of our own pool (jupyter-server needs the default one
for itself).
"""

import asyncio
import contextlib
import functools
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar, TypeVarTuple

from ollama_nb.errors import Busy, Cancelled, OllamaError, TooManyRequests
from ollama_nb.http import Incoming, Request, Response, begin, handle
from ollama_nb.loop import Bell
from ollama_nb.service import Service
from ollama_nb.settings import Settings

_Given = TypeVarTuple("_Given")
_Result = TypeVar("_Result")

_logger = logging.getLogger(__name__)

# Requests that wait for a load hold a thread each and are limited by the scheduler's queue. Beyond
# it some are always free for what does not wait.
_SPARE_THREADS = 8

REQUESTS_OF_A_USER = 64
"""Most requests that one user may have at work where users share a server."""

_FAREWELL = 2.0
"""Seconds that answers under way get for their last line when the server stops."""


class Bridge:
    """One service for the handlers of one event loop."""

    def __init__(self, service: Service) -> None:
        """Serve ``service``; threads start when they are needed."""
        self._service = service
        self._pool = ThreadPoolExecutor(
            service.settings.max_queue + _SPARE_THREADS, thread_name_prefix="ollama-nb-http"
        )
        self._closing = False
        self.busy = 0
        """Requests at work that a server should not be called idle for."""
        self._of_users: Counter[str] = Counter()
        self._idle = asyncio.Event()
        self._idle.set()
        self._stops: set[Callable[[], Awaitable[None]]] = set()

    @functools.cached_property
    def bell(self) -> Bell:
        """What wakes the handlers; made on the loop that serves them."""
        return Bell()

    @property
    def settings(self) -> Settings:
        """The service's settings."""
        return self._service.settings

    async def handle(self, request: Request) -> Response:
        """Answer a request on a thread; what it blocks for is a load. Raises Cancelled."""
        response = await self.call(handle, self._service, request)
        if self._closing and response.status >= OllamaError.status:
            raise Cancelled
        return response

    def reason(self, error: OllamaError) -> OllamaError:
        """Tell why ``error`` came: whatever fails while the server stops, fails for that."""
        return Cancelled() if self._closing and error.status >= OllamaError.status else error

    async def begin(self, request: Request) -> Response | Incoming:
        """Answer a request whose body is still to come, or be ready for it."""
        return await self.call(begin, self._service, request)

    async def call(self, work: Callable[[*_Given], _Result], *args: *_Given) -> _Result:
        """Do what blocks on a thread.

        Raises Cancelled when the server stops, and Busy when the system has no thread left.
        """
        try:
            doing = asyncio.get_running_loop().run_in_executor(self._pool, work, *args)
        except RuntimeError as error:
            if self._closing:
                raise Cancelled from None
            _logger.error("no thread for a request: %s", error)
            raise Busy from None
        return await doing

    @contextlib.contextmanager
    def working(
        self, stop: Callable[[], Awaitable[None]] | None = None, *, user: str = ""
    ) -> Iterator[None]:
        """Count a request as work while it lasts; ``stop`` ends it if the server stops before.

        Raises TooManyRequests for a ``user``, where users are told apart, who has enough of them.
        """
        if user and self._of_users[user] >= REQUESTS_OF_A_USER:
            raise TooManyRequests(REQUESTS_OF_A_USER)
        self._of_users[user] += 1
        self.busy += 1
        self._idle.clear()
        if stop is not None:
            self._stops.add(stop)
        try:
            yield
        finally:
            self._of_users[user] -= 1
            if not self._of_users[user]:
                del self._of_users[user]
            self.busy -= 1
            if stop is not None:
                self._stops.discard(stop)
            if not self.busy:
                self._idle.set()

    async def close(self) -> None:
        """Stop the engine, and let what was under way say so. The second call does nothing."""
        if self._closing:
            return
        self._closing = True
        for failure in await asyncio.gather(
            *(stop() for stop in self._stops), return_exceptions=True
        ):
            if failure is not None:
                _logger.error("a request could not be stopped", exc_info=failure)
        await self.call(self._service.close)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._idle.wait(), _FAREWELL)
        self._pool.shutdown(wait=False, cancel_futures=True)
