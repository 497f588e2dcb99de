"""Formats with tags around the thinking and, in what follows it, some syntax of calls."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ollama_nb.prompt.thinking import CLOSE, OPEN, ThinkingSplitter

from .offer import Offer
from .parser import Parsed, Parser

TAGS = (OPEN, CLOSE)


class CallSyntax(Protocol):
    """How calls are written. See AnswerFormat for the properties."""

    @property
    def marks(self) -> Sequence[str]:
        """Texts that must reach the reader."""

    @property
    def call_prefix(self) -> str:
        """What makes the model begin a call."""

    @property
    def arguments_key(self) -> str:
        """The member that holds the arguments."""

    def reader(self, offer: Offer) -> Parser:
        """A reader of one answer's text, thinking aside."""


@dataclass(frozen=True)
class TaggedFormat:
    """An AnswerFormat of tags and a syntax, both of which may be unknown."""

    calls: CallSyntax | None = None
    thinking_tags: tuple[str, str] | None = None

    @property
    def marks(self) -> tuple[str, ...]:
        """See AnswerFormat."""
        marks = self.calls.marks if self.calls else ()
        return (*(self.thinking_tags or TAGS), *marks)

    @property
    def call_prefix(self) -> str:
        """See AnswerFormat."""
        return self.calls.call_prefix if self.calls else ""

    @property
    def arguments_key(self) -> str:
        """See AnswerFormat."""
        return self.calls.arguments_key if self.calls else "arguments"

    def names(self, tools: Sequence[Mapping[str, Any]]) -> Mapping[str, str]:
        """See AnswerFormat."""
        return {}

    def free_part(self, *, thinks: bool, inside: bool) -> tuple[str, str]:
        """See AnswerFormat."""
        if not thinks:
            return "", ""
        opening, closing = self.thinking_tags or TAGS
        return "" if inside else opening, closing

    def parser(self, tools: Sequence[Mapping[str, Any]], *, thinks: bool, inside: bool) -> Parser:
        """See AnswerFormat."""
        tags = self.thinking_tags or TAGS
        splitter = ThinkingSplitter(inside=inside, tags=tags) if thinks else None
        return _Parser(splitter, self.calls.reader(Offer(tools)) if self.calls else None)


class _Parser:
    """Tells thinking apart first, then reads the calls in the rest."""

    def __init__(self, splitter: ThinkingSplitter | None, calls: Parser | None) -> None:
        self._splitter = splitter
        self._calls = calls

    def feed(self, piece: str) -> Parsed:
        thinking, text = self._splitter.feed(piece) if self._splitter else ("", piece)
        if self._calls is None:
            return Parsed(thinking, text)
        return Parsed(thinking).joined(self._calls.feed(text))

    def flush(self) -> Parsed:
        thinking, text = self._splitter.flush() if self._splitter else ("", "")
        if self._calls is None:
            return Parsed(thinking, text)
        return Parsed(thinking).joined(self._calls.feed(text)).joined(self._calls.flush())
