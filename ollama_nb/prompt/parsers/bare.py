"""Calls without a mark: an answer that is JSON, or a list of calls, from its first character on."""

from dataclasses import dataclass

from .blocks import ReadCalls
from .brackets import Brackets
from .marks import INK
from .offer import Offer
from .parser import Call, Parsed

_SEPARATORS = ",;"


@dataclass(frozen=True)
class Bare:
    """Which brackets an answer that is a call begins with, and what stands in them."""

    openers: str
    read: ReadCalls
    arguments_key: str = "arguments"

    @property
    def marks(self) -> tuple[str, ...]:
        """None: brackets are no control tokens."""
        return ()

    @property
    def call_prefix(self) -> str:
        """None: the answer begins with the call."""
        return ""

    def reader(self, offer: Offer) -> "BareReader":
        """A reader of one answer's text."""
        return BareReader(self, offer)


class BareReader:
    """Reads the text of one answer; whatever comes before a call makes all of it text (6.1).

    After a call another may follow, with no more than a comma or a semicolon in between.
    """

    def __init__(self, bare: Bare, offer: Offer) -> None:
        self._bare = bare
        self._offer = offer
        self._brackets: Brackets | None = None
        self._held: list[str] = []
        self._separators = ""
        self._has_called = False
        self._is_off = not offer

    def feed(self, piece: str) -> Parsed:
        """Take a piece; return the text and the calls that it completes."""
        items: list[Call | str] = []
        start = 0
        while start < len(piece) and not self._is_off:
            if self._brackets is None:
                start = self._begin(piece, start)
                continue
            end = self._brackets.advance(piece, start)
            self._held.append(piece[start:end])
            start = len(piece) if end is None else end
            if end is not None:
                items += self._end()
        if self._is_off:
            items += [self._released(), piece[start:]]
        calls = tuple(item for item in items if isinstance(item, Call))
        return Parsed("", "".join(item for item in items if isinstance(item, str)), calls)

    def flush(self) -> Parsed:
        """Return what was held back."""
        return Parsed(text=self._released())

    def _begin(self, piece: str, start: int) -> int:
        """Look for the bracket; hold back what may stand before it."""
        ink = INK.search(piece, start)
        end = len(piece) if ink is None else ink.start()
        self._held.append(piece[start:end])
        if ink is None:
            return end
        if ink[0] in self._bare.openers:
            self._brackets = Brackets(ink[0])
        elif ink[0] in self._separators:
            self._held.append(ink[0])
            self._separators = ""
            end += 1
        else:
            self._is_off = True
        return end

    def _end(self) -> list[Call | str]:
        """What a whole bracket holds; without a call all is text from here on."""
        text = "".join(self._held)
        items = self._bare.read(text.strip().lstrip(_SEPARATORS), self._offer, True)
        self._brackets = None
        if not any(isinstance(item, Call) for item in items):
            self._is_off = True
            return []
        self._has_called = True
        self._separators = _SEPARATORS
        self._held.clear()
        return items

    def _released(self) -> str:
        """What was held back; white space after a call is dropped."""
        text = "".join(self._held)
        self._held.clear()
        return text.lstrip() if self._has_called else text
