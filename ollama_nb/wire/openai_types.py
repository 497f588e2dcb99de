"""OpenAI's requests and responses, except chat's (reference: Ollama API, 14.3 to 14.5).

A field that is None is not given. As in ``types.py``, fields stand in the order in which they are
written, and ``omit_defaults`` is Go's omitempty.
"""

from typing import Any

import msgspec

from .field_types import Input, ModelName


class StreamOptions(msgspec.Struct, kw_only=True):
    """What a stream tells beside the answer."""

    include_usage: bool = False


class SamplingFields(msgspec.Struct, kw_only=True):
    """What chat and completions ask of the sampler. ``stop`` is a text or a list of texts."""

    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    seed: int | None = None
    stop: Any = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None


class Usage(msgspec.Struct, kw_only=True):
    """How many tokens were read and written."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    total_tokens: int = 0


class AnswerObject(msgspec.Struct, kw_only=True):
    """What every object of one answer says of itself."""

    id: str
    object: str
    created: int
    model: str
    system_fingerprint: str = "fp_ollama"


class CompletionRequest(SamplingFields, kw_only=True):
    """POST /v1/completions (14.3). ``logprobs``: how many alternatives of each token to tell."""

    model: ModelName = ""
    prompt: str = ""
    suffix: str = ""
    stream: bool = False
    stream_options: StreamOptions | None = None
    logprobs: int | None = None


class CompletionLogprobs(msgspec.Struct, kw_only=True):
    """A list for each property of the tokens; offsets count characters of the whole answer."""

    tokens: list[str]
    token_logprobs: list[float]
    top_logprobs: list[dict[str, float]]
    text_offset: list[int]


class CompletionChoice(msgspec.Struct, kw_only=True):
    """The one answer, or a piece of it. ``logprobs`` only where they were asked for."""

    text: str
    index: int = 0
    finish_reason: str | None = None
    logprobs: CompletionLogprobs | msgspec.UnsetType = msgspec.UNSET


class CompletionResponse(AnswerObject, kw_only=True):
    """The whole answer, or one chunk of it, which has ``usage`` only where that was asked for."""

    object: str = "text_completion"
    choices: list[CompletionChoice]
    usage: Usage | msgspec.UnsetType = msgspec.UNSET


class OpenAIEmbeddingRequest(msgspec.Struct, kw_only=True):
    """POST /v1/embeddings (14.5). ``input`` is a text or a list of texts."""

    model: ModelName = ""
    input: Input = None
    dimensions: int = 0
    encoding_format: str = ""


class EmbeddingItem(msgspec.Struct, kw_only=True):
    """One vector: its numbers, or base64 of them as little-endian 32-bit floats."""

    object: str = "embedding"
    embedding: list[float] | str
    index: int


class EmbeddingUsage(msgspec.Struct, kw_only=True):
    """How many tokens were read."""

    prompt_tokens: int
    total_tokens: int


class OpenAIEmbeddingResponse(msgspec.Struct, kw_only=True):
    """Vectors in the order of the texts (14.5)."""

    object: str = "list"
    data: list[EmbeddingItem]
    model: str
    usage: EmbeddingUsage


class OpenAIModel(msgspec.Struct, kw_only=True):
    """One model (14.4). ``created`` is when it was last written, ``owned_by`` its namespace."""

    id: str
    object: str = "model"
    created: int
    owned_by: str


class OpenAIModelList(msgspec.Struct, kw_only=True):
    """GET /v1/models (14.4)."""

    object: str = "list"
    data: list[OpenAIModel]
