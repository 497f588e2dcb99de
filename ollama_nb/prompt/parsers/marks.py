"""Marks in a text that arrives in pieces: what could still become one is held back."""

import re
from collections.abc import Iterable

INK = re.compile(r"\S")
"""Anything but white space."""


class Marks:
    """Some texts to look for; of those at one place the longest counts."""

    def __init__(self, marks: Iterable[str]) -> None:
        self.texts = tuple(sorted(set(marks) - {""}, key=len, reverse=True))
        self._longest = max(map(len, self.texts), default=1)
        self._pattern = re.compile("|".join(map(re.escape, self.texts)) if self.texts else r"(?!)")

    def next(self, text: str, start: int = 0) -> tuple[int, str]:
        """What comes first from ``start`` on: where it stands, and the mark.

        The mark is empty where the text ends, or where the beginning of one ends it.
        """
        found = self._pattern.search(text, start)
        end = found.start() if found else len(text)
        for at in range(max(start, len(text) - self._longest + 1), len(text)):
            if at > end:
                break
            if any(len(mark) > len(text) - at and text.startswith(mark[: len(text) - at], at)
                   for mark in self.texts):  # fmt: skip
                return at, ""
        return (found.start(), found[0]) if found else (end, "")
