"""Calls in blocks: an opening mark, the calls in some language, and how the block ends."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from .ends import BalancedEnd, End, EndAt, MarkOutsideStrings, split_at
from .marks import INK, Marks
from .offer import Offer
from .parser import Call, Parsed

ReadCalls = Callable[[str, Offer, bool], list[Call | str]]
"""The calls in what a block holds, and what is none as text.

The last argument tells whether the model has ended the block.
"""


@dataclass(frozen=True)
class Blocks:
    """Where a format's blocks are, and what stands in them."""

    closings: Mapping[str, str]
    """The closing mark of each opening one; empty where the block is as long as its brackets."""
    read: ReadCalls
    end_at: EndAt = MarkOutsideStrings
    """What finds a mark in a block, but not where the block's language has it in a string."""
    otherwise: str = "{"
    """What a block without a closing mark begins with, if not with the brackets of JSON."""
    wrappers: tuple[str, ...] = field(default=())
    """Marks around text, which are dropped."""
    call_prefix: str = ""
    arguments_key: str = "arguments"

    @property
    def marks(self) -> tuple[str, ...]:
        """All marks that the reader must see."""
        closings = tuple(filter(None, self.closings.values()))
        return (*self.closings, *closings, *self.wrappers)

    def reader(self, offer: Offer) -> "BlockReader":
        """A reader of one answer's text."""
        return BlockReader(self, offer)


class BlockReader:
    """Reads the text of one answer: outside of blocks, within one, or right after a call.

    A block without a call is text.
    """

    def __init__(self, blocks: Blocks, offer: Offer) -> None:
        self._blocks = blocks
        self._offer = offer
        openings = tuple(blocks.closings) if offer else ()
        self._marks = Marks((*openings, *blocks.wrappers))
        self._closings = tuple(filter(None, blocks.closings.values()))
        self._step = self._read_text
        self._held = ""
        self._opening = ""
        self._end: End = BalancedEnd()
        self._block: list[str] = []
        self._text: list[str] = []
        self._calls: list[Call] = []

    def feed(self, piece: str) -> Parsed:
        """Take a piece; return the text and the calls that it completes."""
        text, self._held = self._held + piece, ""
        position = 0
        while position < len(text):
            position = self._step(text, position)
        return self._taken()

    def flush(self) -> Parsed:
        """Return what was held back; a block without an end may yet hold whole calls."""
        self._text.append(self._held)
        self._held = ""
        if self._opening:
            self._deliver("".join(self._block), "", complete=False)
        return self._taken()

    def _taken(self) -> Parsed:
        parsed = Parsed("", "".join(self._text), tuple(self._calls))
        self._text.clear()
        self._calls.clear()
        return parsed

    def _read_text(self, text: str, start: int) -> int:
        at, mark = self._marks.next(text, start)
        self._text.append(text[start:at])
        if not mark:
            self._held = text[at:]
            return len(text)
        if mark in self._blocks.closings:
            self._begin(mark)
        return at + len(mark)

    def _begin(self, opening: str) -> None:
        closing = self._blocks.closings[opening]
        blocks = self._blocks
        self._end = blocks.end_at(closing) if closing else BalancedEnd(blocks.otherwise)
        self._opening = opening
        self._step = self._read_block

    def _read_block(self, text: str, start: int) -> int:
        end = self._end.advance(text, start)
        self._block.append(text[start:end])
        if end is None:
            return len(text)
        closing = self._blocks.closings[self._opening]
        self._deliver("".join(self._block).removesuffix(closing), closing, complete=True)
        return end

    def _deliver(self, body: str, closing: str, *, complete: bool) -> None:
        """Take what a block holds apart, and go on after it."""
        items = self._items(body, complete=complete)
        has_call = _num_calls(items) > 0
        if not has_call:
            items = [self._opening + body + closing]
        self._calls += [item for item in items if isinstance(item, Call)]
        self._text += [item for item in items if isinstance(item, str)]
        self._step = self._read_after_call if has_call else self._read_text
        self._opening = ""
        self._block.clear()

    def _items(self, body: str, *, complete: bool) -> list[Call | str]:
        """Read the block as one, or as several that the model has not closed or only mentioned."""
        read, opening = self._blocks.read, self._opening
        items = read(body, self._offer, complete)
        *unclosed, last = split_at(opening, body, self._blocks.end_at)
        if not unclosed:
            return items
        parts: list[Call | str] = []
        for part, is_closed in [*((one, False) for one in unclosed), (last, complete)]:
            found = read(part, self._offer, is_closed)
            parts += found if _num_calls(found) else [opening + part]
        return parts if _num_calls(parts) >= _num_calls(items) else items

    def _read_after_call(self, text: str, start: int) -> int:
        """Drop white space and closing marks that no block had."""
        ink = INK.search(text, start)
        if ink is None:
            return len(text)
        start = ink.start()
        for closing in self._closings:
            if text.startswith(closing, start):
                return start + len(closing)
            if len(closing) > len(text) - start and closing.startswith(text[start:]):
                self._held = text[start:]
                return len(text)
        self._step = self._read_text
        return start


def _num_calls(items: list[Call | str]) -> int:
    return sum(isinstance(item, Call) for item in items)
