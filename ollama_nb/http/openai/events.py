"""Server-sent events as OpenAI writes them (reference: Ollama API, 14.2)."""

import msgspec

from ollama_nb.errors import OllamaError
from ollama_nb.http.dialects import openai_error
from ollama_nb.wire.codec import encode

DONE = b"data: [DONE]\n\n"
"""After the last one, unless the stream has failed."""


def event(chunk: msgspec.Struct) -> bytes:
    """One chunk of an answer."""
    return b"data: %b\n\n" % encode(chunk)


def failure(error: OllamaError) -> bytes:
    """What ends a stream that cannot be answered to the end; the SDKs raise it (14.1)."""
    return b"data: %b\n\n" % msgspec.json.encode(openai_error(error.status, str(error)))
