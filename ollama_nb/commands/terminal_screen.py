"""Which screen a terminal has for progress: bars on standard error, or else plain lines."""

import sys
from collections.abc import Callable
from typing import Any

from .bars import Bars, PlainLines, calm
from .progress import Blank, Screen


def terminal_screen(write: Callable[[str], object]) -> Screen:
    """Choose a screen; the lines that stay go to standard output, by ``write`` if no bars are."""
    if not sys.stderr.isatty():
        return PlainLines(sys.stderr, lambda line: write(f"{line}\n"))
    kind = _kind()
    return Bars(_on_stderr(kind), lambda line: kind.write(line, file=sys.stdout))


def shell_screen() -> Screen:
    """Choose a screen for IPython in a terminal, where the result shows the lines."""
    return Bars(_on_stderr(_kind())) if sys.stderr.isatty() else Blank()


def _kind() -> Any:
    from tqdm import tqdm

    return calm(tqdm)


def _on_stderr(kind: Any) -> Callable[..., Any]:
    return lambda **keywords: kind(file=sys.stderr, dynamic_ncols=True, **keywords)
