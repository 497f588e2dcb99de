"""A resolved model: its manifest, its config and the small texts that its layers hold.

Blobs are immutable and named by their content, so what is read of them is kept for good.
"""

from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import msgspec

from ollama_nb.errors import InvalidDigest, MalformedGGUF, StoreError
from ollama_nb.gguf import (
    Header,
    check_adapted,
    check_adapter,
    check_model,
    check_projector,
    read_header,
)
from ollama_nb.names import Name
from ollama_nb.wire import ModelDetails

from .blobs import blob_path
from .manifests import UNDECODABLE, Manifest, is_file

_MAX_TEXT = 1 << 20


class Config(msgspec.Struct, frozen=True):
    """The config blob (reference: models, 2.4)."""

    model_format: str = ""
    model_family: str = ""
    model_families: tuple[str, ...] | None = None
    model_type: str = ""
    file_type: str = ""
    capabilities: tuple[str, ...] | None = None
    context_length: int = 0
    embedding_length: int = 0


class StoredMessage(msgspec.Struct, frozen=True):
    """One MESSAGE of a model."""

    role: str
    content: str


@dataclass(frozen=True)
class Model:
    """Everything that the store knows of a model. Weights are not read, their header is."""

    root: Path
    manifest: Manifest

    @property
    def name(self) -> Name:
        """The name as stored."""
        return self.manifest.name

    @cached_property
    def weights(self) -> Path:
        """The GGUF file. Raises StoreError if the manifest has none or the blob is gone."""
        path = self._blob("model")
        if path is None:
            raise StoreError(f"model '{self.name}' has no weights that this engine can run")
        return self._present(path)

    @property
    def header(self) -> Header:
        """The checked header of the weights. Raises MalformedGGUF before native code sees them."""
        return _checked(self.weights, *_version(self.weights))

    @property
    def projector(self) -> Path | None:
        """The checked file that encodes images for it, if it has one. Raises MalformedGGUF."""
        path = self._blob("projector")
        if path is not None:
            _checked_projector(self._present(path), *_version(path))
        return path

    @property
    def adapters(self) -> tuple[Path, ...]:
        """The checked LoRA files that are laid over the weights. Raises MalformedGGUF."""
        layers = [layer for layer in self.manifest.layers if layer.kind == "adapter"]
        paths = tuple(self._present(self._path(layer.digest)) for layer in layers)
        for path in paths:
            check_adapted(_checked_adapter(path, *_version(path)), self.header)
        return paths

    @cached_property
    def config(self) -> Config:
        """The config blob; an unreadable or missing one counts as empty."""
        if not self.manifest.config.digest:
            return Config()
        try:
            data = _read(self._path(self.manifest.config.digest))
            return msgspec.json.decode(data, type=Config)
        except (StoreError, *UNDECODABLE):
            return Config()

    @cached_property
    def system(self) -> str:
        """The SYSTEM text, or empty."""
        return self._text("system")

    @cached_property
    def options(self) -> dict[str, Any]:
        """The stored PARAMETERs. Raises StoreError where they are no JSON object."""
        return self._json("params", dict[str, Any]) or {}

    @cached_property
    def messages(self) -> list[StoredMessage]:
        """The stored MESSAGEs. Raises StoreError where they are no list of messages."""
        return self._json("messages", list[StoredMessage]) or []

    @cached_property
    def capabilities(self) -> tuple[str, ...]:
        """What it can do, as far as config and header tell; a broken file can do nothing more."""
        found = dict.fromkeys(self.config.capabilities or ())
        header = _readable(self)
        if header is not None:
            kind = "completion" if header.pooling is None else "embedding"
            found[kind] = None
            template = header.chat_template or ""
            if "tools" in template or "tool_call" in template:
                found["tools"] = None
            if "<think>" in template and "</think>" in template:
                found["thinking"] = None
            if header.metadata.get("tokenizer.ggml.fim_mid_token_id") is not None:
                found["insert"] = None
        if any(layer.kind == "projector" for layer in self.manifest.layers):
            found["vision"] = None
        return tuple(found)

    def details(self, *, lengths: bool) -> ModelDetails:
        """Details for tags and, without the two ``lengths``, for ps."""
        config, header = self.config, _readable(self) if lengths else None
        parent = next((layer.from_ for layer in self.manifest.layers if layer.kind == "model"), "")
        return ModelDetails(
            parent_model=parent,
            format=config.model_format,
            family=config.model_family,
            families=None if config.model_families is None else list(config.model_families),
            parameter_size=config.model_type,
            quantization_level=config.file_type,
            context_length=(config.context_length or _length(header, "context_length"))
            if lengths
            else 0,
            embedding_length=(config.embedding_length or _length(header, "embedding_length"))
            if lengths
            else 0,
        )

    def _present(self, path: Path) -> Path:
        """The path of a blob that is there. Raises StoreError otherwise."""
        if not is_file(path):
            raise StoreError(
                f"failed to load model: blob {path.name} of '{self.name}' is missing; "
                f"pull it again with: ollama pull {self.name}"
            )
        return path

    def _blob(self, kind: str) -> Path | None:
        """The file of the last layer of a kind: a later one wins."""
        digests = [layer.digest for layer in self.manifest.layers if layer.kind == kind]
        return self._path(digests[-1]) if digests else None

    def _path(self, digest: str) -> Path:
        """The file of a digest that the manifest names. Raises StoreError if it is none."""
        try:
            return blob_path(self.root, digest)
        except InvalidDigest as error:
            raise StoreError(f"manifest of '{self.name}': {error}") from error

    def _text(self, kind: str) -> str:
        path = self._blob(kind)
        return "" if path is None else _read(path).decode("utf-8", "replace")

    def _json(self, kind: str, shape: Any) -> Any:
        path = self._blob(kind)
        if path is None:
            return None
        try:
            return msgspec.json.decode(_read(path), type=shape)
        except UNDECODABLE as error:
            raise StoreError(f"{kind} of '{self.name}' cannot be read: {error}") from error


def _read(path: Path) -> bytes:
    """A small blob. Raises StoreError naming the file."""
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_TEXT + 1)
    except OSError as error:
        raise StoreError(f"blob {path.name} cannot be read: {error.strerror}") from error
    if len(data) > _MAX_TEXT:
        raise StoreError(f"blob {path.name} is larger than {_MAX_TEXT >> 20} MiB")
    return data


def _version(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_mtime_ns, status.st_size


@lru_cache(maxsize=256)
def _checked(path: Path, _mtime_ns: int, _size: int) -> Header:
    """The gate's verdict on one version of a file: it takes milliseconds, requests are many."""
    return check_model(path)


@lru_cache(maxsize=64)
def _checked_projector(path: Path, _mtime_ns: int, _size: int) -> Header:
    return check_projector(path)


@lru_cache(maxsize=64)
def _checked_adapter(path: Path, _mtime_ns: int, _size: int) -> Header:
    return check_adapter(path)


@lru_cache(maxsize=1024)
def _header(path: Path, _mtime_ns: int, _size: int) -> Header:
    return read_header(path)


def _readable(model: Model) -> Header | None:
    """The header for listings, which a broken or missing file must not break."""
    try:
        return _header(model.weights, *_version(model.weights))
    except (MalformedGGUF, StoreError, OSError):
        return None


def _length(header: Header | None, key: str) -> int:
    value = header.get(key) if header is not None else None
    return value if isinstance(value, int) else 0
