"""Calls as Llama 3 and 4 write them: JSON or a list in Python, marked or bare (6.3)."""

from dataclasses import dataclass

from .bare import Bare
from .blocks import Blocks
from .offer import Offer
from .parser import Parsed, Parser
from .python_calls import outside_python_strings, python_or_json_calls

_MARK = "<|python_tag|>"


_MARKED = Blocks({_MARK: ""}, python_or_json_calls, outside_python_strings, otherwise="(")
_BARE = Bare("{[", python_or_json_calls)


@dataclass(frozen=True)
class Llama:
    """Bare at the beginning of an answer, after the mark anywhere."""

    marks: tuple[str, ...] = (_MARK,)
    call_prefix: str = ""
    arguments_key: str = "parameters"

    def reader(self, offer: Offer) -> Parser:
        """A reader of one answer's text."""
        return _Both(_BARE.reader(offer), _MARKED.reader(offer))


class _Both:
    """Gives to the second reader what is text for the first."""

    def __init__(self, first: Parser, second: Parser) -> None:
        self._first, self._second = first, second

    def feed(self, piece: str) -> Parsed:
        bare = self._first.feed(piece)
        marked = self._second.feed(bare.text)
        return Parsed(calls=bare.calls).joined(marked)

    def flush(self) -> Parsed:
        bare = self._first.flush()
        marked = self._second.feed(bare.text).joined(self._second.flush())
        return Parsed(calls=bare.calls).joined(marked)
