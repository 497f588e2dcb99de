"""The lines that making a model tells, in Ollama's words."""

from collections.abc import Callable

from ollama_nb.wire import ProgressResponse

Report = Callable[[ProgressResponse], None]
"""Takes a line; returns at once."""

QUANTIZING, CONVERTING = "0" * 19, "0" * 18 + "1"
"""In place of the digest of a blob that is not there yet: clients draw a bar for each digest."""


def status(text: str) -> ProgressResponse:
    """A line that is only words."""
    return ProgressResponse(status=text)


def counted(text: str, digest: str, completed: int, total: int) -> ProgressResponse:
    """How far it is, in bytes."""
    return ProgressResponse(status=text, digest=digest, total=total, completed=completed)
