"""Long work that is not the engine's, such as a pull: a thread of its own that tells how it goes.

What it tells is consumed like an answer under way: a Stream, which can be cancelled.
"""

import threading
from collections.abc import Callable, Iterable
from typing import Any, ClassVar

import msgspec

from .stream import Chunk, Stream

Report = Callable[[Chunk], None]
"""Takes a line of progress; returns at once."""

Work = Callable[[Report[Chunk], threading.Event], None]
"""Does the work and returns, or raises Cancelled soon after the event has been set."""


class _Told(msgspec.Struct):
    progress: Any
    done: ClassVar[bool] = False


class _Ended(msgspec.Struct):
    done: ClassVar[bool] = True


def start(work: Work[Chunk]) -> Stream[Chunk]:
    """Begin; the stream raises what the work raises, after everything that it told."""
    stop = threading.Event()
    stream: Stream[Chunk] = Stream(_chunks, _last)
    stream.bind(stop.set)

    def run() -> None:
        try:
            work(lambda progress: stream.put(_Told(progress)), stop)
        except Exception as error:  # noqa: BLE001 - raised again where it is waited for
            stream.put(error)
        else:
            stream.put(_Ended())

    threading.Thread(target=run, name="ollama-nb-work", daemon=True).start()
    return stream


def _chunks(event: _Told | _Ended) -> Iterable[Any]:
    return (event.progress,) if isinstance(event, _Told) else ()


def _last(told: Iterable[Chunk]) -> Chunk:
    """What ``stream:false`` answers: the last line."""
    *_, last = told
    return last
