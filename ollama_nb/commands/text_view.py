"""An answer as plain text, piece by piece, for terminals. Knows no IPython."""

from collections.abc import Callable

from .plain import plain
from .result import Result


class TextView:
    """Writes pieces as they come. ``stream=False`` writes the whole at the end."""

    def __init__(self, write: Callable[[str], object], *, stream: bool = True) -> None:
        self._write = write
        self._stream = stream
        self._thinking = False
        self._written = ""

    def show(self, thinking: str, text: str) -> None:
        """Write a piece; thinking is marked off from the text."""
        if not self._stream:
            return
        if thinking and not self._thinking:
            self._put("Thinking...\n")
            self._thinking = True
        self._put(thinking)
        if text and self._thinking:
            self._put("\n...done thinking.\n\n")
            self._thinking = False
        self._put(text)

    def finish(self, result: Result) -> None:
        """End the line; say so if the answer was cut off."""
        if not self._stream:
            self._stream = True
            self.show(result.thinking, result.text)
        if self._written and not self._written.endswith("\n"):
            self._put("\n")
        if result.interrupted:
            self._put("(interrupted)\n")

    def _put(self, text: str) -> None:
        text = plain(text)
        if text:
            self._write(text)
            self._written = text[-1]
