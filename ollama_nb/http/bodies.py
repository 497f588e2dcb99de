"""Answers under way: a stream of chunks becomes bytes.

A Body is consumed like the Stream behind it: by waiting (iterate), or by being woken (``listen``,
then ``arrived``). It runs on whichever thread consumes it and knows no event loop.
"""

import logging
from collections.abc import Callable, Iterable, Iterator
from typing import Generic, Protocol, TypeVar

import msgspec

from ollama_nb.errors import OllamaError
from ollama_nb.service import Stream
from ollama_nb.wire.codec import encode, encode_items

Chunk = TypeVar("Chunk", bound=msgspec.Struct)
Told = TypeVar("Told", bound=msgspec.Struct, contravariant=True)

_logger = logging.getLogger(__name__)

INTERNAL_ERROR = "internal error"
"""All that a client learns of an exception nobody planned; the log has the rest."""


class Body(Protocol):
    """Bytes that are still being produced. An OllamaError out of it precedes its first piece."""

    @property
    def done(self) -> bool:
        """Whether nothing more will come."""

    @property
    def streams(self) -> bool:
        """Whether every piece is to be sent as soon as it exists."""

    @property
    def takes_long(self) -> bool:
        """Whether making its pieces is too much for an event loop."""

    def __iter__(self) -> Iterator[bytes]:
        """Wait for the pieces."""

    def arrived(self) -> Iterator[bytes]:
        """Yield the pieces that are there, without waiting."""

    def listen(self, wake: Callable[[], None]) -> None:
        """Call ``wake`` from another thread whenever something has arrived, and once now."""

    def cancel(self) -> None:
        """Stop the work behind it."""


class _OverStream(Generic[Chunk]):
    """What all kinds of Body share: the stream behind them, and what becomes of its failures."""

    takes_long = False

    def __init__(self, stream: Stream[Chunk]) -> None:
        self._stream = stream
        self._started = False
        self._failed = False

    @property
    def done(self) -> bool:
        return self._failed or self._stream.done

    def __iter__(self) -> Iterator[bytes]:
        return self._guarded(self._pieces(iter(self._stream)))

    def arrived(self) -> Iterator[bytes]:
        return self._guarded(self._pieces(self._stream.arrived()))

    def listen(self, wake: Callable[[], None]) -> None:
        self._stream.listen(wake)

    def cancel(self) -> None:
        self._stream.cancel()

    def _pieces(self, chunks: Iterable[Chunk]) -> Iterator[bytes]:
        """Turn chunks into bytes."""
        raise NotImplementedError

    def _told(self, failure: OllamaError) -> Iterator[bytes]:
        """Tell of a failure after the first piece, where pieces may follow it."""
        raise failure

    def _guarded(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        """Pass pieces on. Whatever fails, the engine or what shapes its chunks, ends the body.

        Raises an OllamaError before the first piece; after it the failure is told.
        """
        try:
            for piece in pieces:
                self._started = True
                yield piece
        except OllamaError as error:
            failure = error
        except Exception:
            _logger.exception("a stream failed")
            failure = OllamaError(INTERNAL_ERROR)
        else:
            return
        self._failed = True
        if not self._stream.done:
            self._stream.cancel()
        if not self._started:
            raise failure
        yield from self._told(failure)


class Lines(_OverStream[Chunk]):
    """NDJSON: one line a chunk. A failure after the first line becomes the last one (1.4)."""

    streams = True

    def __init__(
        self, stream: Stream[Chunk], shape: Callable[[Chunk], msgspec.Struct] | None = None
    ) -> None:
        """Take what makes another object of each chunk, if it is to be one."""
        super().__init__(stream)
        self._shape = shape

    def _pieces(self, chunks: Iterable[Chunk]) -> Iterator[bytes]:
        for chunk in chunks:
            yield encode(self._shape(chunk) if self._shape else chunk) + b"\n"

    def _told(self, failure: OllamaError) -> Iterator[bytes]:
        yield msgspec.json.encode({"error": str(failure)}) + b"\n"


class Teller(Protocol[Told]):
    """Writes the server-sent events of one answer in some dialect; knows what it has told."""

    def tell(self, chunk: Told) -> Iterator[bytes]:
        """Write the events of a chunk, those that end the answer after the last one."""

    def fail(self, error: OllamaError) -> Iterator[bytes]:
        """Write what tells of a failure after the first event."""


class Events(_OverStream[Chunk]):
    """Server-sent events, as the compatible routes stream."""

    streams = True

    def __init__(self, stream: Stream[Chunk], teller: Teller[Chunk]) -> None:
        super().__init__(stream)
        self._teller = teller

    def _pieces(self, chunks: Iterable[Chunk]) -> Iterator[bytes]:
        for chunk in chunks:
            yield from self._teller.tell(chunk)

    def _told(self, failure: OllamaError) -> Iterator[bytes]:
        return self._teller.fail(failure)


class Whole(_OverStream[Chunk]):
    """One JSON object when everything is there, as ``stream:false`` asks."""

    streams = False

    def __init__(
        self,
        stream: Stream[Chunk],
        shape: Callable[[Chunk], msgspec.Struct] | None = None,
        *,
        many: str = "",
    ) -> None:
        """Take what makes another dialect's object of the answer, if it is to be one.

        ``many`` names its field of so many items that each of them becomes a piece.
        """
        super().__init__(stream)
        self.takes_long = bool(many)
        self._shape = shape
        self._many = many
        self._received: list[Chunk] = []

    def _pieces(self, chunks: Iterable[Chunk]) -> Iterator[bytes]:
        self._received.extend(chunks)
        if self.done:
            answer = self._stream.fold(self._received)
            whole = self._shape(answer) if self._shape else answer
            yield from encode_items(whole, self._many) if self._many else (encode(whole),)
