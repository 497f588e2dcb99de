"""Ask, and follow the answer to its end, or to the moment somebody interrupts it.

Runs on the caller's thread, where a KeyboardInterrupt lands. Shows nothing itself: a `View` does.
"""

import time
from collections.abc import Callable
from typing import Protocol

from ollama_nb.service import Asking, Stream
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

    def __init__(self, model: str, make_view: Callable[[], View]) -> None:
        """Take the model's name, and what makes the view once there is something to show."""
        self._model = model
        self._make_view = make_view
        self._made_view: View | None = None
        self._stream: Stream[GenerateResponse] | None = None
        self._thinking: list[str] = []
        self._text: list[str] = []
        self._last: GenerateResponse | None = None

    def follow(self, ask: Callable[[], Stream[GenerateResponse]]) -> Result:
        """Show every chunk and return the result; an interrupt ends the answer, not the caller.

        Raises what ``ask`` raises, and what the engine raises, after showing the text so far.
        """
        try:
            with Asking(ask) as asking:
                self._stream = asking.stream()
                self._view()
                for chunk in self._stream:
                    self._take(chunk)
        except KeyboardInterrupt:
            self._drain()
            return self._finish(interrupted=True)
        except BaseException:
            if self._stream is not None:
                self._finish(interrupted=False)
            raise
        return self._finish(interrupted=False)

    def _view(self) -> View:
        if self._made_view is None:
            self._made_view = self._make_view()
        return self._made_view

    def _take(self, chunk: GenerateResponse) -> None:
        self._thinking.append(chunk.thinking)
        self._text.append(chunk.response)
        if chunk.done:
            self._last = chunk
        self._view().show(chunk.thinking, chunk.response)

    def _drain(self) -> None:
        """Take what a cancelled engine still says; it needs one step to hear of it."""
        stream = self._stream
        if stream is None:  # while the model was loading
            return
        deadline = time.monotonic() + _DRAIN_SECONDS
        try:
            while not stream.done and time.monotonic() < deadline:
                for chunk in stream.arrived():
                    self._take(chunk)
                time.sleep(_POLL_SECONDS)
        except KeyboardInterrupt:
            return

    def _finish(self, *, interrupted: bool) -> Result:
        reason = self._last.done_reason if self._last else ""
        reason = "interrupted" if interrupted or reason == "cancelled" else reason
        result = Result(
            model=self._model,
            text="".join(self._text),
            thinking="".join(self._thinking),
            stats=Stats.of(self._last, reason, self._stream.num_reused)
            if self._last and self._stream
            else Stats(done_reason=reason),
        )
        self._view().finish(result)
        return result
