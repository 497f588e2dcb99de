"""What goes over the wire, and nothing else: no disk, no threads, no HTTP status."""

from .options import Options
from .types import (
    EmbeddingsRequest,
    EmbeddingsResponse,
    EmbedRequest,
    EmbedResponse,
    GenerateRequest,
    GenerateResponse,
    ListedModel,
    ListResponse,
    Logprob,
    ModelDetails,
    ProcessModel,
    ProcessResponse,
    VersionResponse,
)

__all__ = [
    "EmbedRequest",
    "EmbedResponse",
    "EmbeddingsRequest",
    "EmbeddingsResponse",
    "GenerateRequest",
    "GenerateResponse",
    "ListResponse",
    "ListedModel",
    "Logprob",
    "ModelDetails",
    "Options",
    "ProcessModel",
    "ProcessResponse",
    "VersionResponse",
]
