"""The lines that pulls and pushes tell, in Ollama's words."""

from collections.abc import Callable

from ollama_nb.wire import ProgressResponse

from .manifest import Blob

Report = Callable[[ProgressResponse], None]
"""Takes a line; returns at once."""

REPORT_SECONDS = 0.06


def status(text: str) -> ProgressResponse:
    """A line that is only words."""
    return ProgressResponse(status=text)


def moved(verb: str, blob: Blob, completed: int) -> ProgressResponse:
    """How far a blob is: ``pulling`` or ``pushing`` it."""
    return ProgressResponse(
        status=f"{verb} {blob.hex[:12]}", digest=blob.digest, total=blob.size, completed=completed
    )
