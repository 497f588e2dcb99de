"""An answer in a notebook: one display that is rewritten while the answer grows.

Every update carries the whole text, so updates are rationed in time and, before the last, in
size; otherwise Jupyter's server drops output (1 MB/s). Runs on the kernel's main thread.
"""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Protocol

from ollama_nb.commands.result import Result, answer_bundle

_BRISK_SECONDS = 2.0
_BRISK_INTERVAL = 0.1
_INTERVAL = 0.25
_MOST_CHARACTERS = 24_000
"""Of an interim update; with both MIME types and in UTF-8 that stays near 64 KiB."""


class Handle(Protocol):
    """What ``display(…, display_id=True)`` returns."""

    def update(self, obj: Any, **options: Any) -> None:
        """Rewrite the output."""


Show = Callable[[dict[str, str]], Handle]
"""Displays a MIME bundle and returns its handle."""


class NotebookView:
    """Streams an answer into one output of the cell."""

    def __init__(
        self, model: str, show: Show, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._clock = clock
        self._model = model
        self._thinking = ""
        self._text = ""
        self._began = self._updated = clock()
        self._handle = show(answer_bundle("", line=f"{model} …"))

    def show(self, thinking: str, text: str) -> None:
        """Add a piece; rewrite the output when it is time."""
        self._thinking += thinking
        self._text += text
        now = self._clock()
        brisk = now - self._began < _BRISK_SECONDS
        if now - self._updated >= (_BRISK_INTERVAL if brisk else _INTERVAL):
            self._updated = now
            self._handle.update(self._interim(), raw=True)

    def finish(self, result: Result) -> None:
        """Rewrite the output for the last time, whole."""
        self._handle.update(result.bundle(), raw=True)

    def _interim(self) -> dict[str, str]:
        return answer_bundle(
            _end_of(self._text),
            thinking=_end_of(self._thinking),
            line=f"{self._model} …",
            thinking_now=not self._text.strip(),
        )


class FinalView:
    """Shows an answer once, when it is whole: for ``--no-stream`` and compared notebooks."""

    def __init__(self, show: Callable[[dict[str, str]], object], *, rates: bool = True) -> None:
        self._show = show
        self._rates = rates

    def show(self, thinking: str, text: str) -> None:
        """Wait."""

    def finish(self, result: Result) -> None:
        """Show the whole; without the speed, where runs are to be compared."""
        self._show(replace(result, rates=self._rates).bundle())


def _end_of(text: str) -> str:
    """Return the newest part of a long text, from the beginning of a line if there is one near."""
    if len(text) <= _MOST_CHARACTERS:
        return text
    end = text[-_MOST_CHARACTERS:]
    first, newline, rest = end.partition("\n")
    return f"…\n{rest if newline and len(first) < _MOST_CHARACTERS // 2 else end}"
