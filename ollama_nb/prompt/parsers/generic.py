"""Calls as JSON after a tag that a template is seen to write, however it may end them (6.1)."""

from dataclasses import dataclass

from .brackets import Brackets
from .json_calls import calls_at
from .marks import Marks
from .offer import Offer
from .parser import Call, Parsed


@dataclass(frozen=True)
class Tagged:
    """The tag, and what makes the model write the JSON of a call."""

    tag: str
    call_prefix: str = ""
    arguments_key: str = "arguments"

    @property
    def marks(self) -> tuple[str, ...]:
        """The tag may be a control token."""
        return (self.tag,)

    def reader(self, offer: Offer) -> "TaggedReader":
        """A reader of one answer's text."""
        return TaggedReader(self.tag, offer)


class TaggedReader:
    """Reads the text of one answer: text up to the tag, nothing but calls from there on.

    What stands between the calls is dropped; if there is no call it is text after all, when the
    answer has ended (Ollama API, 8.2).
    """

    def __init__(self, tag: str, offer: Offer) -> None:
        self._tag = tag
        self._marks = Marks([tag] if offer else [])
        self._offer = offer
        self._held = ""
        self._is_calling = False
        self._has_called = False
        self._brackets = Brackets()
        self._segment: list[str] = []
        """What has arrived since the last object."""
        self._swallowed: list[str] = []

    def feed(self, piece: str) -> Parsed:
        """Take a piece; return the text and the calls that it completes."""
        if self._is_calling:
            return Parsed(calls=self._call(piece, 0))
        text = self._held + piece
        at, mark = self._marks.next(text)
        if not mark:
            self._held = text[at:]
            return Parsed(text=text[:at])
        self._held = ""
        self._is_calling = True
        self._swallowed.append(mark)
        return Parsed(text=text[:at], calls=self._call(text, at + len(mark)))

    def flush(self) -> Parsed:
        """Return what was held back, or swallowed without a call."""
        segments = [] if self._has_called else [*self._swallowed, *self._segment]
        text = self._held + "".join(segments)
        self._held = ""
        self._swallowed.clear()
        self._segment.clear()
        return Parsed(text=text)

    def _call(self, text: str, start: int) -> tuple[Call, ...]:
        calls: list[Call] = []
        while start < len(text):
            end = self._brackets.advance(text, start)
            self._segment.append(text[start:end])
            if end is None:
                break
            calls += calls_at("".join(self._segment), self._offer)
            self._swallowed += self._segment
            self._segment.clear()
            start = end
        self._has_called = self._has_called or bool(calls)
        return tuple(calls)
