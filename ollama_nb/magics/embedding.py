"""embed in IPython: a cell's or line's texts, and the result, which is shown as any value is.

Knows the service and the commands; which shell it is in is told by `Surroundings`.
"""

from ollama_nb.commands.embed_result import EmbedResult
from ollama_nb.commands.embedding import embed_texts
from ollama_nb.commands.requests import embed_request_of
from ollama_nb.commands.verbs import Command
from ollama_nb.commands.ways import LINE
from ollama_nb.service import Service

from .interpolation import interpolate
from .surroundings import Surroundings, check_output, written


def embed(
    service: Service, command: Command, body: str | None, around: Surroundings
) -> EmbedResult:
    """Turn a cell's body, or the text of a line, into vectors."""
    arguments = command.arguments
    check_output(arguments.output)
    text = interpolate(written(command, body, what="text").strip(), around.namespace)
    request = embed_request_of(arguments, text=text, default_model=around.default_model)
    result = embed_texts(service, request, way=LINE)
    around.keep(result, arguments.output)
    return result
