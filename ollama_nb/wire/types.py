"""Requests and responses as Structs, fields in the order in which they are written.

``omit_defaults`` is Go's omitempty: a field equal to its default is left out, a field without a
default is always written (reference: Ollama API, 1.3 and the field tables of 6, 10).
"""

from typing import Any

import msgspec

from .field_types import Format, Image, Input, KeepAlive, ModelName, OptionMap, Think, Time


class GenerateRequest(msgspec.Struct, kw_only=True):
    """POST /api/generate (6.1). ``keep_alive``, ``think`` and ``format`` take several JSON types
    and are judged by the service, which owes each its own error text.
    """

    model: ModelName = ""
    prompt: str = ""
    suffix: str = ""
    system: str = ""
    template: str = ""
    context: list[int] | None = None
    stream: bool = True
    raw: bool = False
    format: Format = None
    keep_alive: KeepAlive = None
    images: list[Image] | None = None
    options: OptionMap | None = None
    think: Think = None
    truncate: bool = True
    shift: bool = True
    logprobs: bool = False
    top_logprobs: int = 0
    debug_render_only: bool = msgspec.field(default=False, name="_debug_render_only")


class Logprob(msgspec.Struct, kw_only=True, omit_defaults=True):
    """How likely a token was (8.4). ``bytes`` are the token's own, whole characters or not."""

    token: str
    logprob: float
    bytes: list[int] = []
    top_logprobs: "list[Logprob]" = []


class GenerateResponse(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One streamed object of generate, or the whole answer (6.7). Durations are nanoseconds."""

    model: str
    created_at: Time
    response: str
    thinking: str = ""
    done: bool
    done_reason: str = ""
    context: list[int] | None = None
    total_duration: int = 0
    load_duration: int = 0
    prompt_eval_count: int = 0
    prompt_eval_duration: int = 0
    eval_count: int = 0
    eval_duration: int = 0
    sample_count: int = 0
    sample_duration: int = 0
    debug_info: dict[str, Any] | None = msgspec.field(default=None, name="_debug_info")
    logprobs: list[Logprob] = []


class EmbedRequest(msgspec.Struct, kw_only=True):
    """POST /api/embed (9). ``input`` is a text or a list of texts."""

    model: ModelName = ""
    input: Input = None
    truncate: bool = True
    dimensions: int = 0
    keep_alive: KeepAlive = None
    options: OptionMap | None = None


class EmbedResponse(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Vectors in the order of the texts (9). Durations are nanoseconds."""

    model: str
    embeddings: list[list[float]]
    total_duration: int = 0
    load_duration: int = 0
    prompt_eval_count: int = 0


class EmbeddingsRequest(msgspec.Struct, kw_only=True):
    """POST /api/embeddings (9), which embed has superseded."""

    model: ModelName = ""
    prompt: str = ""
    keep_alive: KeepAlive = None
    options: OptionMap | None = None


class EmbeddingsResponse(msgspec.Struct, omit_defaults=True):
    """One vector, not normalised, under the key that was sent and the one that was documented."""

    embedding: list[float]
    embeddings: list[float] | None = None


class ModelDetails(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What kind of model it is (10). ``ps`` leaves the two lengths out."""

    parent_model: str
    format: str
    family: str
    families: list[str] | None
    parameter_size: str
    quantization_level: str
    context_length: int = 0
    embedding_length: int = 0


class ListedModel(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One model of GET /api/tags (10)."""

    name: str
    model: str
    modified_at: Time
    size: int
    digest: str
    details: ModelDetails
    capabilities: list[str] = []


class ListResponse(msgspec.Struct):
    """GET /api/tags."""

    models: list[ListedModel]


class ProcessModel(msgspec.Struct, kw_only=True):
    """One loaded model of GET /api/ps (10). ``size`` is bytes of memory, weights and context."""

    name: str
    model: str
    size: int
    digest: str
    details: ModelDetails
    expires_at: Time
    size_vram: int
    context_length: int


class ProcessResponse(msgspec.Struct):
    """GET /api/ps."""

    models: list[ProcessModel]


class VersionResponse(msgspec.Struct):
    """GET /api/version."""

    version: str


class CloudStatus(msgspec.Struct):
    """Whether models that run elsewhere are out of reach, and what says so."""

    disabled: bool
    source: str


class StatusResponse(msgspec.Struct):
    """GET /api/status (10)."""

    cloud: CloudStatus
