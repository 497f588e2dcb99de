"""Where threads meet the event loop, and the only place where they do.

The contract blocks, so it runs on threads of our own pool (jupyter-server needs the default one
for itself). A stream occupies no thread: the engine's thread wakes the loop, which then takes what
has arrived. Measured, this costs 5 µs a piece; waiting on a pool thread costs 47 µs and the thread.
"""

import asyncio
import contextlib
import functools
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar, TypeVarTuple

from ollama_nb.errors import Cancelled
from ollama_nb.http import Body, Incoming, Request, Response, begin, handle
from ollama_nb.service import Service
from ollama_nb.settings import Settings

_Given = TypeVarTuple("_Given")
_Result = TypeVar("_Result")

# Requests that wait for a load hold a thread each and are limited by the scheduler's queue. Beyond
# it some are always free for what does not wait.
_SPARE_THREADS = 8

_FAREWELL = 2.0
"""Seconds that answers under way get for their last line when the server stops."""


class Bell:
    """Wakes those who wait on one event loop, from other threads.

    One step of the engine has news for many; waking the loop is a system call, so it is woken once.
    """

    def __init__(self) -> None:
        """Wake the loop that is running now."""
        self._loop = asyncio.get_running_loop()
        self._due: deque[asyncio.Event] = deque()
        self._rung = False

    def ring(self, news: asyncio.Event) -> None:
        """Set ``news`` soon. A thread of the engine does this, and must survive a closed loop."""
        self._due.append(news)
        if not self._rung:
            self._rung = True
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        self._rung = False  # before looking: who comes later rings again
        while self._due:
            self._due.popleft().set()


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
        """Answer a request on a thread; what it blocks for is a load."""
        return await self.call(handle, self._service, request)

    async def begin(self, request: Request) -> Response | Incoming:
        """Answer a request whose body is still to come, or be ready for it."""
        return await self.call(begin, self._service, request)

    async def call(self, work: Callable[[*_Given], _Result], *args: *_Given) -> _Result:
        """Do what blocks on a thread. Raises Cancelled when the server stops."""
        try:
            doing = asyncio.get_running_loop().run_in_executor(self._pool, work, *args)
        except RuntimeError:  # the threads have been shut down
            raise Cancelled from None
        return await doing

    @contextlib.contextmanager
    def working(self, stop: Callable[[], Awaitable[None]] | None = None) -> Iterator[None]:
        """Count a request as work while it lasts; ``stop`` ends it if the server stops before."""
        self.busy += 1
        self._idle.clear()
        if stop is not None:
            self._stops.add(stop)
        try:
            yield
        finally:
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
        await asyncio.gather(*(stop() for stop in self._stops))
        await self.call(self._service.close)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._idle.wait(), _FAREWELL)
        self._pool.shutdown(wait=False, cancel_futures=True)


class Arrivals:
    """A body as the event loop sees it: what has arrived so far, in one piece at a time.

    Pieces that arrive while the last ones are being sent go out together.
    """

    def __init__(self, body: Body, bell: Bell) -> None:
        """Listen to ``body``, which nobody else consumes."""
        self._body = body
        self._bell = bell
        self._news = asyncio.Event()
        self._left = False

    def leave(self) -> None:
        """Stop the work: nobody reads the answer any more. May be called at any time."""
        self._left = True
        self._body.cancel()
        self._news.set()

    async def pieces(self) -> AsyncGenerator[bytes, None]:
        """Yield what arrives. An OllamaError out of it precedes the first piece."""
        self._body.listen(lambda: self._bell.ring(self._news))
        while not (self._body.done or self._left):
            await self._news.wait()
            self._news.clear()
            if data := b"".join(self._body.arrived()):
                yield data
