"""Where a magic runs: what it may read, how answers are shown there, where results go.

What generate and embed share in IPython. Knows no service and no shell.
"""

import keyword
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from ollama_nb.commands.verbs import Command
from ollama_nb.commands.ways import LINE
from ollama_nb.errors import UsageProblem

Mode = Literal["stream", "final", "text"]

LAST = "_ollama"
"""The variable that holds the newest result."""


@dataclass(frozen=True)
class Surroundings:
    """A shell, as far as magics need it."""

    namespace: Mapping[str, Any]
    mode: Mode
    default_model: str
    bind: Callable[[dict[str, Any]], None]

    def keep(self, result: object, name: str) -> None:
        """Bind a result to the variable that ``-o`` named, if it did, and to the newest one."""
        self.bind(dict.fromkeys({LAST, name} - {""}, result))


def display_mode(wanted: str, *, kernel: bool, environment: Mapping[str, str] = os.environ) -> Mode:
    """Choose the display: what `%config` says, else OLLAMA_NB_DISPLAY, else what fits.

    pytest sets PYTEST_VERSION for the kernels that nbval starts. nbval compares the first state
    of a display, so there it must be the last one too.
    """
    if not kernel:
        return "text"
    for choice in (wanted, environment.get("OLLAMA_NB_DISPLAY", "")):
        if choice in ("stream", "final"):
            return "final" if choice == "final" else "stream"
    return "final" if "PYTEST_VERSION" in environment else "stream"


def written(command: Command, body: str | None, *, what: str) -> str:
    """Take the text from the cell's body or from the line; one of them, and not empty."""
    words = " ".join(command.arguments.prompt)
    if body is None:
        if not words:
            raise UsageProblem(
                f"there is no {what}: write it at the end of the line, {LINE} {command.verb} … "
                '"How do I pull a model?"'
            )
        return words
    if words:
        raise UsageProblem(f"the {what} goes below the first line, not into it: {words}")
    if not body.strip():
        raise UsageProblem(
            f"the cell is empty below its first line: write the {what} there, "
            "for example: How do I pull a model?"
        )
    return body


def check_output(name: str) -> None:
    """Refuse what cannot be a variable before anything else is done. Raises UsageProblem."""
    if name and (not name.isidentifier() or keyword.iskeyword(name)):
        raise UsageProblem(f"-o {name}: that cannot be the name of a variable")
