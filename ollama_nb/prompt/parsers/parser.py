"""What reads a model's answer: thinking, text and calls of tools apart, as it streams.

Section numbers are those of the model reference (6).
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol


class Call(NamedTuple):
    """One call of a tool, read from an answer."""

    name: str
    arguments: dict[str, Any]


class Parsed(NamedTuple):
    """What one piece of an answer has contributed."""

    thinking: str = ""
    text: str = ""
    calls: tuple[Call, ...] = ()

    def joined(self, later: "Parsed") -> "Parsed":
        """This with what a later piece has contributed behind it."""
        return Parsed(
            self.thinking + later.thinking, self.text + later.text, self.calls + later.calls
        )


class Parser(Protocol):
    """Reads one answer. Feed it the pieces in order, then flush it once."""

    def feed(self, piece: str) -> Parsed:
        """Take a piece; return what is decided, holding back what could still be a mark."""

    def flush(self) -> Parsed:
        """Return what was held back, now that the answer has ended."""


class AnswerFormat(Protocol):
    """How a model writes its answers."""

    @property
    def thinking_tags(self) -> tuple[str, str] | None:
        """What it writes around its thinking; None if it is not known to think."""

    @property
    def marks(self) -> Sequence[str]:
        """Texts that must reach the parser although they may be control tokens."""

    @property
    def call_prefix(self) -> str:
        """What makes the model go on with the JSON of a call, {"name": …, …: {…}}.

        Put at the end of a prompt. Empty if its calls are no such JSON, or need nothing before.
        """

    @property
    def arguments_key(self) -> str:
        """The other member of that JSON: "arguments" or "parameters"."""

    def names(self, tools: Sequence[Mapping[str, Any]]) -> Mapping[str, str]:
        """What prompts call those tools that they do not call by their names.

        Calls come back from the parser under the tools' own names.
        """

    def free_part(self, *, thinks: bool, inside: bool) -> tuple[str, str]:
        """How what may precede a structured answer begins and ends; ("", "") if nothing may.

        Without a beginning it has begun already.
        """

    def parser(self, tools: Sequence[Mapping[str, Any]], *, thinks: bool, inside: bool) -> Parser:
        """A parser for one answer.

        ``tools`` are those on offer, as on the wire; none: calls are text. ``thinks``: thinking is
        told apart, otherwise it stays in the text where the format allows that. ``inside``: the
        prompt has begun the thinking.
        """
