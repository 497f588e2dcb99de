"""What a Go template can fail with."""

from collections.abc import Iterator
from contextlib import contextmanager

from ollama_nb.errors import OllamaError


class TemplateError(OllamaError):
    """A template that does not parse, run or end; ``detail`` is what Go would say."""

    def __init__(self, detail: str) -> None:
        super().__init__(f"template error: {detail}")
        self.detail = detail


class Fault(Exception):
    """What a function or a field refuses, before it is known where in the template that was."""


@contextmanager
def within_stack() -> Iterator[None]:
    """Tell of a tree that is too deep for the stack that is left as TemplateError."""
    try:
        yield
    except RecursionError as error:
        raise TemplateError("template: : nested too deeply") from error
