"""An answer under way: what the engine has produced so far, for whoever consumes it.

The engine's thread puts events in; the consumer's thread translates them into chunks. The consumer
either waits (iterating) or is woken (an event loop, through ``listen`` and ``arrived``): this file
is the whole difference between the two colours and knows neither asyncio nor HTTP.
"""

from collections.abc import Callable, Iterable, Iterator
from queue import Empty, SimpleQueue
from typing import Any, Generic, Protocol, TypeVar

from ollama_nb.engine.scheduler import Lease
from ollama_nb.engine.sequence import Event, Finish, Request

from .waiting import wait_for

Chunk = TypeVar("Chunk")


class Happening(Protocol):
    """An event of the engine's or of other work; the last one is ``done``."""

    @property
    def done(self) -> bool:
        """Whether nothing comes after it."""


class Stream(Generic[Chunk]):
    """Chunks of one answer. Consume it once, on one thread; ``cancel`` may come from any."""

    def __init__(
        self,
        translate: Callable[[Any], Iterable[Chunk]],
        fold: Callable[[Iterable[Chunk]], Chunk],
    ) -> None:
        """Take what turns an event of the request's kind into chunks, and all chunks into one."""
        self._translate = translate
        self._fold = fold
        self._mail: SimpleQueue[Happening | Exception] = SimpleQueue()
        self._wake: Callable[[], None] | None = None
        self._cancel: Callable[[], None] | None = None
        self._ready: Chunk | None = None
        self.done = False
        """Whether the last chunk has been handed out."""
        self.num_reused = 0
        """How many of the prompt's tokens were cached: known at the end, and not on the wire."""
        self.stopped_by = ""
        """The stop string that has ended the answer, if one has; as ``num_reused``."""

    @classmethod
    def of(cls, answer: Chunk) -> "Stream[Chunk]":
        """Wrap an answer that needed no engine, such as that of a load: one chunk, never split."""
        stream = cls(lambda _: (), lambda _: answer)
        stream._ready = answer
        return stream

    @property
    def whole(self) -> bool:
        """Whether this is one ready answer, which goes out as one object in any case."""
        return self._ready is not None

    def put(self, event: Happening | Exception) -> None:
        """Take what has happened. Called on the producer's thread; returns at once."""
        self._mail.put(event)
        if self._wake is not None:
            self._wake()

    def begin(self, lease: Lease, request: Request) -> None:
        """Hand the request to the leased model; the lease ends with it. Raises what submit does."""

        def emit(event: Event | Exception) -> None:
            if isinstance(event, Exception) or event.done:
                lease.release()
            self.put(event)

        runner = lease.runner
        number = runner.submit(request, emit)
        self.bind(lambda: runner.cancel(number))

    def bind(self, cancel: Callable[[], None]) -> None:
        """Remember how the engine is told to stop."""
        self._cancel = cancel

    def cancel(self) -> None:
        """Ask the engine to stop; the stream then ends by itself. Harmless when it has ended."""
        if self._cancel is not None:
            self._cancel()

    def __iter__(self) -> Iterator[Chunk]:
        """Wait for chunks; a KeyboardInterrupt gets through. Raises what the engine raised.

        Leaving early does not cancel: that is the consumer's decision.
        """
        while not self.done:
            yield from self._chunks(None if self.whole else wait_for(self._mail))

    def fold(self, chunks: Iterable[Chunk] | None = None) -> Chunk:
        """Return the whole answer as one object: of all its chunks, or else wait for them."""
        return self._fold(self if chunks is None else chunks)

    def listen(self, wake: Callable[[], None]) -> None:
        """Call ``wake`` on the engine's thread whenever something has arrived, and once now."""
        self._wake = wake
        wake()

    def arrived(self) -> Iterator[Chunk]:
        """Yield what has arrived, without waiting. Raises what the engine raised."""
        while not self.done:
            try:
                event = None if self.whole else self._mail.get_nowait()
            except Empty:
                return
            yield from self._chunks(event)

    def _chunks(self, event: Happening | Exception | None) -> Iterable[Chunk]:
        if event is None:
            self.done = True
            return () if self._ready is None else (self._ready,)
        if isinstance(event, Exception):
            self.done = True
            raise event
        self.done = event.done
        if isinstance(event, Finish):
            self.num_reused = event.reused_count
            self.stopped_by = event.stopped_by
        return self._translate(event)
