"""Requests and responses about models as such: show, copy, delete, pull, push.

As in ``types.py``, fields stand in the order in which they are written, and ``omit_defaults`` is
Go's omitempty (reference: Ollama API, 10, 12 and 13).
"""

from typing import Any

import msgspec

from .field_types import ModelName, OptionMap, Time
from .types import ModelDetails


class ShowRequest(msgspec.Struct, kw_only=True):
    """POST /api/show (10). ``system`` and ``options`` change what the answer's texts say."""

    model: ModelName = ""
    verbose: bool = False
    system: str = ""
    template: str = ""
    options: OptionMap | None = None


class ShownMessage(msgspec.Struct, kw_only=True):
    """One MESSAGE of a model."""

    role: str
    content: str


class ShownTensor(msgspec.Struct, kw_only=True):
    """One tensor of the weights."""

    name: str
    type: str
    shape: list[int]


class ShowResponse(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Everything that is known of a model on disk (10)."""

    license: str = ""
    modelfile: str
    parameters: str = ""
    template: str
    system: str = ""
    renderer: str = ""
    parser: str = ""
    details: ModelDetails
    messages: list[ShownMessage] = []
    remote_model: str = ""
    remote_host: str = ""
    model_info: dict[str, Any]
    projector_info: dict[str, Any] = {}
    tensors: list[ShownTensor] = []
    capabilities: list[str] = []
    modified_at: Time
    requires: str = ""


class CopyRequest(msgspec.Struct, kw_only=True):
    """POST /api/copy (12)."""

    source: ModelName = ""
    destination: ModelName = ""


class DeleteRequest(msgspec.Struct, kw_only=True):
    """DELETE /api/delete (12)."""

    model: ModelName = ""


class PullRequest(msgspec.Struct, kw_only=True):
    """POST /api/pull and /api/push (13). ``insecure``: plain http to the registry."""

    model: ModelName = ""
    insecure: bool = False
    stream: bool = True


class CreateRequest(msgspec.Struct, kw_only=True):
    """POST /api/create (11). Maps are from relative paths to digests of uploaded blobs."""

    model: ModelName = ""
    stream: bool = True
    from_: str = msgspec.field(default="", name="from")
    files: dict[str, str] | None = None
    adapters: dict[str, str] | None = None
    template: str = ""
    system: str = ""
    license: str | list[str] = ""
    parameters: OptionMap | None = None
    messages: list[ShownMessage] | None = None
    quantize: str = ""
    quantization: str = ""
    renderer: str = ""
    parser: str = ""
    requires: str = ""
    info: dict[str, Any] | None = None
    modelfile: str = ""
    """A Modelfile's text: the form of 2024."""
    path: str = ""
    """A Modelfile on the server: the form of 2023."""


class ProgressResponse(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One line of pull, push or create (13). Bytes; ``completed`` of ``total``."""

    status: str
    digest: str = ""
    total: int = 0
    completed: int = 0
