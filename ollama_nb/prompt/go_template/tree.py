"""The syntax tree of a Go template. ``str(node)`` is the node as Go writes it.

``position`` is the index of a character in the template's text; the tree knows no values.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from .literals import quoted


@dataclass(frozen=True, slots=True)
class Dot:
    """The cursor."""

    position: int

    def __str__(self) -> str:
        return "."


@dataclass(frozen=True, slots=True)
class Nil:
    """The word nil."""

    position: int

    def __str__(self) -> str:
        return "nil"


@dataclass(frozen=True, slots=True)
class Literal:
    """A bool, a number or a string, with its spelling."""

    position: int
    value: bool | int | float | complex | str
    text: str

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Identifier:
    """A function's name."""

    position: int
    name: str

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Field:
    """``.A.B``: names looked up from the cursor on."""

    position: int
    names: tuple[str, ...]

    def __str__(self) -> str:
        return "".join(f".{name}" for name in self.names)


@dataclass(frozen=True, slots=True)
class Variable:
    """``$x.A.B``: the variable's name with its dollar sign, then fields."""

    position: int
    names: tuple[str, ...]

    def __str__(self) -> str:
        return ".".join(self.names)


@dataclass(frozen=True, slots=True)
class Chain:
    """``(pipeline).A.B``, or a function's result with fields."""

    position: int
    base: "Operand"
    names: tuple[str, ...]

    def __str__(self) -> str:
        return _operand_text(self.base) + "".join(f".{name}" for name in self.names)


@dataclass(frozen=True, slots=True)
class Command:
    """Words with blanks between them: a function with its arguments, or one value."""

    position: int
    words: tuple["Operand", ...]

    def __str__(self) -> str:
        return " ".join(map(_operand_text, self.words))


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Commands, each the last argument of the next; perhaps kept in variables."""

    position: int
    variables: tuple[Variable, ...]
    assigns: bool
    """``=`` to variables that exist, not ``:=``."""
    commands: tuple[Command, ...]

    def __str__(self) -> str:
        kept = ", ".join(map(str, self.variables))
        kept += (" = " if self.assigns else " := ") if kept else ""
        return kept + " | ".join(map(str, self.commands))


@dataclass(frozen=True, slots=True)
class Text:
    """What stands between the actions, trimmed as they ask."""

    position: int
    text: str

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Action:
    """``{{ pipeline }}``."""

    position: int
    pipeline: Pipeline

    def __str__(self) -> str:
        return f"{{{{{self.pipeline}}}}}"


@dataclass(frozen=True, slots=True)
class _Branch:
    position: int
    pipeline: Pipeline
    body: "Nodes"
    otherwise: "Nodes | None"

    def _text(self, word: str) -> str:
        rest = "" if self.otherwise is None else f"{{{{else}}}}{nodes_text(self.otherwise)}"
        return f"{{{{{word} {self.pipeline}}}}}{nodes_text(self.body)}{rest}{{{{end}}}}"


@dataclass(frozen=True, slots=True)
class If(_Branch):
    """``else if`` is an If that stands alone in ``otherwise``."""

    def __str__(self) -> str:
        return self._text("if")


@dataclass(frozen=True, slots=True)
class With(_Branch):
    """Moves the cursor to a value that is true."""

    def __str__(self) -> str:
        return self._text("with")


@dataclass(frozen=True, slots=True)
class Range(_Branch):
    """Moves the cursor from element to element."""

    def __str__(self) -> str:
        return self._text("range")


@dataclass(frozen=True, slots=True)
class Jump:
    """``break`` or ``continue``."""

    position: int
    word: str

    def __str__(self) -> str:
        return f"{{{{{self.word}}}}}"


@dataclass(frozen=True, slots=True)
class Call:
    """``template`` or ``block``: another template, run with the pipeline's value as its cursor."""

    position: int
    name: str
    pipeline: Pipeline | None

    def __str__(self) -> str:
        value = "" if self.pipeline is None else f" {self.pipeline}"
        return f"{{{{template {quoted(self.name)}{value}}}}}"


Operand: TypeAlias = Dot | Nil | Literal | Identifier | Field | Variable | Chain | Pipeline
Branch: TypeAlias = If | With | Range
Node: TypeAlias = Text | Action | Branch | Jump | Call
Nodes: TypeAlias = tuple[Node, ...]


def nodes_text(nodes: Nodes) -> str:
    """What the nodes look like when written out."""
    return "".join(map(str, nodes))


def pipelines(nodes: Nodes) -> Iterator[Pipeline]:
    """Every pipeline of actions, branches and calls, in the order of the text."""
    pending = list(reversed(nodes))
    while pending:
        node = pending.pop()
        if isinstance(node, Action | If | With | Range | Call) and node.pipeline is not None:
            yield node.pipeline
        if isinstance(node, If | With | Range):
            pending.extend(reversed(node.otherwise or ()))
            pending.extend(reversed(node.body))


def operands(pipeline: Pipeline) -> Iterator[Operand]:
    """Every word of a pipeline, those in parentheses too; what a chain begins with is none."""
    pending: list[Operand] = [pipeline]
    while pending:
        operand = pending.pop()
        if isinstance(operand, Pipeline):
            words = [word for command in operand.commands for word in command.words]
            pending.extend(reversed(words))
        else:
            yield operand


def last_word(operand: Operand) -> Operand:
    """What Go has looked at last when it has evaluated this: its errors are said to be there."""
    while isinstance(operand, Pipeline):
        operand = operand.commands[-1].words[-1]
    return operand


def _operand_text(operand: Operand) -> str:
    return f"({operand})" if isinstance(operand, Pipeline) else str(operand)
