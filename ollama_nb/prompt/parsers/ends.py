"""Where the block of a call ends that arrives in pieces. Every character is looked at once."""

import re
from typing import Protocol

from .brackets import Brackets

_INK = re.compile(r"\S")
_PAIRS = {"{": "{}", "[": "[]"}


class End(Protocol):
    """Follows one block, from behind its opening mark on."""

    def advance(self, text: str, start: int) -> int | None:
        """Where in the piece the text goes on after the block; None if it is all within."""


class MarkEnd:
    """Ends behind a mark, but not where JSON has it in a string."""

    def __init__(self, mark: str) -> None:
        self._mark = mark
        self._brackets = Brackets()
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


class BalancedEnd:
    """Ends with the bracket that closes the first one."""

    def __init__(self, otherwise: str = "{}") -> None:
        """``otherwise``: the brackets to look for if the block does not begin with one."""
        self._otherwise = otherwise
        self._brackets: Brackets | None = None

    def advance(self, text: str, start: int) -> int | None:
        """See End."""
        if self._brackets is None:
            ink = _INK.search(text, start)
            if ink is None:
                return None
            self._brackets = Brackets(_PAIRS.get(ink[0], self._otherwise))
        return self._brackets.advance(text, start)
