"""Token bytes become text that may be shown: whole characters, no stop string, nothing twice."""

import codecs
from collections.abc import Sequence


class Detokenizer:
    """Text of one sequence, held back while it could be a broken character or a stop string."""

    def __init__(self, stops: Sequence[str]) -> None:
        """Watch for ``stops``, none of them empty."""
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._stops = tuple(stops)
        self._held = ""
        self.stopped_by = ""
        """The stop string that has been met; the text before it has been given out."""

    @property
    def stopped(self) -> bool:
        """Whether a stop string has been met."""
        return bool(self.stopped_by)

    @property
    def num_held(self) -> int:
        """How many of the bytes taken in have not become text that was returned."""
        return len(self._held.encode()) + len(self._decoder.getstate()[0])

    def feed(self, data: bytes) -> str:
        """Take a token's bytes; return what has become safe to show."""
        return self._release(self._held + self._decoder.decode(data))

    def flush(self) -> str:
        """Return what is left at the end; an unfinished character becomes U+FFFD."""
        if self.stopped:
            return ""
        text = self._release(self._held + self._decoder.decode(b"", final=True))
        rest, self._held = self._held, ""
        return text + rest

    def _release(self, text: str) -> str:
        if not self._stops:
            return text
        found = [(text.find(stop), len(stop)) for stop in self._stops]
        # The one complete first, so that it does not matter how the text was divided.
        ends = [(at + length, at) for at, length in found if at >= 0]
        if ends:
            end, start = min(ends)
            self.stopped_by, self._held = text[start:end], text[start:]
            return text[:start]
        safe = len(text) - max(_overlap(text, stop) for stop in self._stops)
        self._held = text[safe:]
        return text[:safe]


def _overlap(text: str, stop: str) -> int:
    """Length of the longest end of ``text`` that begins ``stop``."""
    for length in range(min(len(text), len(stop) - 1), 0, -1):
        if stop.startswith(text[-length:]):
            return length
    return 0
