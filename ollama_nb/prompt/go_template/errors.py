"""What a Go template can fail with."""

from ollama_nb.errors import OllamaError


class TemplateError(OllamaError):
    """A template that does not parse, run or end; ``detail`` is what Go would say."""

    def __init__(self, detail: str) -> None:
        super().__init__(f"template error: {detail}")
        self.detail = detail


class Fault(Exception):
    """What a function or a field refuses, before it is known where in the template that was."""
