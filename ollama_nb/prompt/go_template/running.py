"""One run of a template: what it has written, and what it may still take (rule S21)."""

import time
from collections.abc import Callable
from typing import Any, NamedTuple, NoReturn, TypeAlias

from .errors import TemplateError
from .literals import quoted
from .tree import Command, Node, Operand

MAX_OUTPUT = 4 << 20
MAX_STEPS = 1_000_000
MAX_SECONDS = 2.0
"""Of this thread's own work: a busy machine costs no template its answer."""
MAX_DEPTH = 64
_GRANT = 1000
LENGTH_OF_A_STEP = 64
"""Characters that a function may read, or characters or elements it may return, for one step."""


class Run:
    """What is left, counted down in place by the compiled template, and the output's pieces."""

    __slots__ = ("_deadline", "_steps", "depth", "fuel", "pieces", "room", "write")

    def __init__(self) -> None:
        self.pieces: list[str] = []
        self.write = self.pieces.append
        self.room = MAX_OUTPUT
        """Characters that may still be written."""
        self.fuel = _GRANT
        """Steps until the clock is looked at."""
        self.depth = 0
        """Templates that are inside of each other."""
        self._steps = MAX_STEPS - _GRANT
        self._deadline = time.thread_time() + MAX_SECONDS

    def take(self) -> str:
        """What was written since the last time."""
        text = "".join(self.pieces)
        self.pieces.clear()
        return text

    def refuel(self) -> None:
        """Grant more steps. Raises TemplateError at the end of steps or time."""
        grant = _GRANT - self.fuel
        self.fuel += grant
        self._steps -= grant
        if self._steps < 0:
            raise TemplateError(f"template: : not done after {MAX_STEPS} steps")
        if time.thread_time() > self._deadline:
            raise TemplateError(f"template: : not done after {MAX_SECONDS:g} s")

    def charge(self, length: int) -> None:
        """Count the steps of a function that made something so long."""
        self.fuel -= length // LENGTH_OF_A_STEP
        if self.fuel < 0:
            self.refuel()

    def overflow(self) -> NoReturn:
        """Raise for a result that is too long."""
        raise TemplateError(f"template: : output exceeds {MAX_OUTPUT >> 20} MiB")


Evaluate: TypeAlias = Callable[[Run, Any, list[Any]], Any]
"""Gets the run, the cursor and the template's variables, of which the first is ``$``."""


class Site(NamedTuple):
    """Where in which template something stands, to be told when it fails."""

    source: str
    template: str
    node: Node | Operand | Command

    def error(self, message: str) -> TemplateError:
        """Word an error as Go does."""
        before = self.source[: self.node.position]
        line, column = before.count("\n") + 1, len(before.rpartition("\n")[2].encode())
        name = quoted(self.template)
        return TemplateError(
            f"template: :{line}:{column}: executing {name} at <{self.node}>: {message}"
        )
