"""The arguments of a call, which are a JSON text in OpenAI's messages (Ollama API, 14.2, 14.6)."""

from typing import Any

from ollama_nb.errors import BadRequest
from ollama_nb.wire.codec import decode_object


def call_arguments(text: str) -> dict[str, Any]:
    """Return them as an object. Raises BadRequest for anything else."""
    try:
        return decode_object(text)
    except BadRequest:
        raise BadRequest("invalid tool call arguments") from None
