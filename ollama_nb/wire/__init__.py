"""What goes over the wire, and nothing else: no disk, no threads, no HTTP status."""

from .model_types import (
    CopyRequest,
    DeleteRequest,
    ProgressResponse,
    PullRequest,
    ShownMessage,
    ShownTensor,
    ShowRequest,
    ShowResponse,
)
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
    "CopyRequest",
    "DeleteRequest",
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
    "ProgressResponse",
    "PullRequest",
    "ShowRequest",
    "ShowResponse",
    "ShownMessage",
    "ShownTensor",
    "VersionResponse",
]
