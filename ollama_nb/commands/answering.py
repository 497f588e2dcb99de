"""Follow an answer to its end, or to the moment somebody interrupts it.

Runs on the caller's thread, where a KeyboardInterrupt lands. Shows nothing itself: a `View` does.
"""

import time
from typing import Protocol

from ollama_nb.service.stream import Stream
from ollama_nb.wire import GenerateResponse

from .result import Result, Stats

_DRAIN_SECONDS = 0.5
_POLL_SECONDS = 0.005


class View(Protocol):
    """Something that shows an answer while it grows."""

    def show(self, thinking: str, text: str) -> None:
        """Take what has been added to the thinking and to the text."""

    def finish(self, result: Result) -> None:
        """Take the whole. Called once, also after an interrupt and before an error is raised."""


class Answering:
    """One answer being followed."""

    def __init__(self, model: str, view: View) -> None:
        self._model = model
        self._view = view
        self._thinking: list[str] = []
        self._text: list[str] = []
        self._last: GenerateResponse | None = None

    def follow(self, stream: Stream[GenerateResponse]) -> Result:
        """Show every chunk and return the result; an interrupt ends the answer, not the caller.

        Raises what the engine raises, after the text so far has been shown.
        """
        try:
            for chunk in stream:
                self._take(chunk)
        except KeyboardInterrupt:
            stream.cancel()
            self._drain(stream)
            return self._finish(stream, interrupted=True)
        except BaseException:
            stream.cancel()
            self._finish(stream, interrupted=False)
            raise
        return self._finish(stream, interrupted=False)

    def _take(self, chunk: GenerateResponse) -> None:
        self._thinking.append(chunk.thinking)
        self._text.append(chunk.response)
        if chunk.done:
            self._last = chunk
        self._view.show(chunk.thinking, chunk.response)

    def _drain(self, stream: Stream[GenerateResponse]) -> None:
        """Take what a cancelled engine still says; it needs one step to hear of it."""
        deadline = time.monotonic() + _DRAIN_SECONDS
        try:
            while not stream.done and time.monotonic() < deadline:
                for chunk in stream.arrived():
                    self._take(chunk)
                time.sleep(_POLL_SECONDS)
        except KeyboardInterrupt:
            return

    def _finish(self, stream: Stream[GenerateResponse], *, interrupted: bool) -> Result:
        reason = self._last.done_reason if self._last else ""
        reason = "interrupted" if interrupted or reason == "cancelled" else reason
        result = Result(
            model=self._model,
            text="".join(self._text),
            thinking="".join(self._thinking),
            stats=Stats.of(self._last, reason, stream.num_reused)
            if self._last
            else Stats(done_reason=reason),
        )
        self._view.finish(result)
        return result
