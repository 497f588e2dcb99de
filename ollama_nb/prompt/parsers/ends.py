"""Where the block of a call ends that arrives in pieces. Every character is looked at once."""

import re
from collections.abc import Callable
from typing import Protocol

from .brackets import Brackets
from .marks import INK


class End(Protocol):
    """Follows one block, from behind its opening mark on."""

    def advance(self, text: str, start: int) -> int | None:
        """Where in the piece the text goes on after the block; None if it is all within."""


EndAt = Callable[[str], End]
"""Makes what ends a block behind a mark, as the block's language has it."""


class MarkEnd:
    """Ends behind a mark, but not where it stands in a string between quote marks of its own."""

    def __init__(self, mark: str, quote: str = "") -> None:
        """``quote``: what begins a string and ends it; empty if the language has no strings."""
        self._mark = mark
        self._within = re.compile(re.escape(quote))
        self._outside = re.compile("|".join(map(re.escape, filter(None, (mark, quote)))))
        self._longest = max(len(mark), len(quote))
        self._is_quoted = False
        self._tail = ""
        """The end of the pieces before, in which a mark may have begun."""

    def advance(self, text: str, start: int) -> int | None:
        """See End."""
        shift = 0
        if self._tail:
            shift = start - len(self._tail)
            text, start = self._tail + text[start:], 0
        while found := (self._within if self._is_quoted else self._outside).search(text, start):
            start = found.end()
            if found[0] == self._mark:
                return start + shift
            self._is_quoted = not self._is_quoted
        self._tail = text[max(start, len(text) - self._longest + 1) :]
        return None


class MarkOutsideStrings:
    """Ends behind a mark, but not where it stands in a string within brackets."""

    def __init__(self, mark: str, brackets: str = "{") -> None:
        """``brackets``: what opens those in which a quote begins a string; "{" suits JSON."""
        self._mark = mark
        self._brackets = Brackets(brackets)
        self._tail = ""
        """The end of the pieces before, in which the mark may have begun."""

    def advance(self, text: str, start: int) -> int | None:
        """See End."""
        shift = 0
        read = at = start
        if self._tail:
            shift, text = start - len(self._tail), self._tail + text[start:]
            read, at = len(self._tail), 0
        while (at := text.find(self._mark, at)) >= 0:
            end = at + len(self._mark)
            self._follow(text[read:end])
            if not self._brackets.quote:
                return end + shift
            read, at = end, at + 1
        self._follow(text[read:])
        begin = start if not self._tail else 0
        self._tail = text[max(begin, len(text) - len(self._mark) + 1) :]
        return None

    def _follow(self, text: str) -> None:
        end: int | None = 0
        while end is not None:
            end = self._brackets.advance(text, end)


class TagsEnd:
    """Ends behind a mark, wherever that stands among tags; but as in JSON if it begins as JSON."""

    def __init__(self, mark: str) -> None:
        self._mark = mark
        self._end: End | None = None

    def advance(self, text: str, start: int) -> int | None:
        """See End."""
        if self._end is None:
            ink = INK.search(text, start)
            if ink is None:
                return None
            self._end = (MarkOutsideStrings if ink[0] == "{" else MarkEnd)(self._mark)
        return self._end.advance(text, start)


class BalancedEnd:
    """Ends with the bracket that closes the first one."""

    def __init__(self, otherwise: str = "{") -> None:
        """``otherwise``: the bracket to look for if the block does not begin with one."""
        self._otherwise = otherwise
        self._brackets: Brackets | None = None

    def advance(self, text: str, start: int) -> int | None:
        """See End."""
        if self._brackets is None:
            ink = INK.search(text, start)
            if ink is None:
                return None
            self._brackets = Brackets(ink[0] if ink[0] in "{[" else self._otherwise)
        return self._brackets.advance(text, start)


def split_at(mark: str, text: str, end_at: EndAt) -> list[str]:
    """The blocks that a mark stands between, as ``end_at`` finds it."""
    parts: list[str] = []
    start = 0
    while (end := end_at(mark).advance(text, start)) is not None:
        parts.append(text[start:end].removesuffix(mark))
        start = end
    return [*parts, text[start:]]
