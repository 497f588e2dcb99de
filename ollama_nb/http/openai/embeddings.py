"""POST /v1/embeddings: texts to vectors, by embed (reference: Ollama API, 14.5)."""

import binascii
import struct
from collections.abc import Callable, Sequence

from ollama_nb.errors import BadRequest
from ollama_nb.http.messages import Request, Response
from ollama_nb.http.sse import shaped
from ollama_nb.service import Service
from ollama_nb.wire import EmbedRequest, EmbedResponse
from ollama_nb.wire.codec import decode_request
from ollama_nb.wire.openai_types import (
    EmbeddingItem,
    EmbeddingUsage,
    OpenAIEmbeddingRequest,
    OpenAIEmbeddingResponse,
)

Encoding = Callable[[list[float]], list[float] | str]
"""How a vector is written."""


def embeddings(service: Service, request: Request) -> Response:
    """POST /v1/embeddings: texts to vectors."""
    wanted = decode_request(request.body, OpenAIEmbeddingRequest)
    encoding = _encoding(wanted.encoding_format)
    stream = service.embed(embed_request(wanted), owner=request.user)
    return shaped(stream, lambda answer: embedding_response(answer, encoding), many="data")


def embed_request(wanted: OpenAIEmbeddingRequest) -> EmbedRequest:
    """Say it to embed, which takes no input for a wish to load the model. Raises BadRequest."""
    if wanted.input is None or wanted.input == []:
        raise BadRequest("invalid input")
    texts = [""] if wanted.input == "" else wanted.input
    return EmbedRequest(model=wanted.model, input=texts, dimensions=wanted.dimensions)


def plain(vector: list[float]) -> list[float]:
    """A vector as it is: a list of numbers."""
    return vector


def packed(vector: Sequence[float]) -> str:
    """A vector as the SDKs ask for it by default: base64 of little-endian 32-bit floats."""
    return binascii.b2a_base64(struct.pack(f"<{len(vector)}f", *vector), newline=False).decode()


_ENCODINGS: dict[str, Encoding] = {"": plain, "float": plain, "base64": packed}


def _encoding(name: str) -> Encoding:
    encoding = _ENCODINGS.get(name.lower())
    if encoding is None:
        choices = "Supported values: ['float', 'base64']."
        raise BadRequest(f"Invalid value for 'encoding_format' = {name}. {choices}")
    return encoding


def embedding_response(answer: EmbedResponse, encoding: Encoding) -> OpenAIEmbeddingResponse:
    """Shape the answer, each vector as it was asked for."""
    num_tokens = answer.prompt_eval_count
    return OpenAIEmbeddingResponse(
        data=[
            EmbeddingItem(embedding=encoding(vector), index=index)
            for index, vector in enumerate(answer.embeddings)
        ],
        model=answer.model,
        usage=EmbeddingUsage(prompt_tokens=num_tokens, total_tokens=num_tokens),
    )
