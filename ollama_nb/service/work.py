"""Long work that is not the engine's, such as a pull: a thread of its own that tells how it goes.

What it tells is consumed like an answer under way: a Stream, which can be cancelled.
"""

import threading
from collections.abc import Callable, Iterable
from typing import ClassVar

import msgspec

from ollama_nb.wire import ProgressResponse

from .stream import Stream

Report = Callable[[ProgressResponse], None]
"""Takes a line of progress; returns at once."""

Work = Callable[[Report, threading.Event], None]
"""Does the work and returns, or raises Cancelled soon after the event has been set."""


class _Told(msgspec.Struct):
    progress: ProgressResponse
    done: ClassVar[bool] = False


class _Ended(msgspec.Struct):
    done: ClassVar[bool] = True


def start(work: Work) -> Stream[ProgressResponse]:
    """Begin; the stream raises what the work raises, after everything that it told."""
    stop = threading.Event()
    stream = Stream(_chunks, _last)
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


def _chunks(event: _Told | _Ended) -> Iterable[ProgressResponse]:
    return (event.progress,) if isinstance(event, _Told) else ()


def _last(told: Iterable[ProgressResponse]) -> ProgressResponse:
    """What ``stream:false`` answers: the last line."""
    *_, last = told
    return last
