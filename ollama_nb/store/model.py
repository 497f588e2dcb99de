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
from ollama_nb.prompt.chat_template import chat_template
from ollama_nb.prompt.go_template import TemplateError
from ollama_nb.wire import ModelDetails

from .blobs import stored_blob
from .glance import Glance, glance
from .manifests import UNDECODABLE, Manifest, is_file

_MAX_TEXT = 1 << 20
_MAX_LICENSE = 8 << 20


class Config(msgspec.Struct, frozen=True):
    """The config blob (reference: models, 2.4)."""

    model_format: str = ""
    model_family: str = ""
    model_families: tuple[str, ...] | None = None
    model_type: str = ""
    file_type: str = ""
    renderer: str = ""
    parser: str = ""
    requires: str = ""
    capabilities: tuple[str, ...] | None = None
    context_length: int = 0
    embedding_length: int = 0
    base_name: str = ""


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

    @property
    def config(self) -> Config:
        """The config blob; an unreadable or missing one counts as empty."""
        digest = self.manifest.config.digest
        try:
            return _config(self.root, digest) if digest else Config()
        except (InvalidDigest, StoreError, *UNDECODABLE):
            return Config()

    @property
    def plain_header(self) -> Header | None:
        """The header of the weights, not judged; None where there is none that can be read.

        To look at a model whose file is broken or gone is no error; to run it is.
        """
        try:
            if self._blob("model") is None:
                return None
            return _header(self.weights, *_version(self.weights))
        except (MalformedGGUF, StoreError, OSError):
            return None

    def files(self, kind: str) -> tuple[Path, ...]:
        """The files of all layers of a kind, in their order, whether they are there or not."""
        layers = self.manifest.layers
        return tuple(self._path(layer.digest) for layer in layers if layer.kind == kind)

    @cached_property
    def template(self) -> str:
        """The TEMPLATE text, in Go's language, or empty."""
        return self._text("template") or self._text("prompt")

    @cached_property
    def licenses(self) -> tuple[str, ...]:
        """The LICENSE texts."""
        return tuple(
            _read(path, _MAX_LICENSE).decode("utf-8", "replace") for path in self.files("license")
        )

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
        config, template = self.config.capabilities or (), self._template_capabilities
        found = dict.fromkeys((*config, *self._glance.capabilities, *template))
        if "projector" in self.manifest.last:
            found["vision"] = None
        return tuple(found)

    def details(self, *, lengths: bool) -> ModelDetails:
        """Details for tags and, without the two ``lengths``, for ps."""
        config, header = self.config, self._glance if lengths else Glance()
        parent = next((layer.from_ for layer in self.manifest.layers if layer.kind == "model"), "")
        return ModelDetails(
            parent_model=parent,
            format=config.model_format,
            family=config.model_family,
            families=None if config.model_families is None else list(config.model_families),
            parameter_size=config.model_type,
            quantization_level=config.file_type,
            context_length=(lengths and config.context_length) or header.context_length,
            embedding_length=(lengths and config.embedding_length) or header.embedding_length,
        )

    @property
    def _template_capabilities(self) -> tuple[str, ...]:
        """What the TEMPLATE adds; one that does not parse adds nothing."""
        digest = self.manifest.last.get("template") or self.manifest.last.get("prompt")
        try:
            return _rendered(self.root, digest) if digest else ()
        except (InvalidDigest, StoreError, TemplateError, RecursionError):
            return ()

    @property
    def _glance(self) -> Glance:
        """What listings need, which a broken or missing file must not break."""
        digest = self.manifest.last.get("model")
        try:
            return glance(self.root, digest) if digest else Glance()
        except (InvalidDigest, MalformedGGUF, OSError):
            return Glance()

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
        digest = self.manifest.last.get(kind)
        return None if digest is None else self._path(digest)

    def _path(self, digest: str) -> Path:
        """The file of a digest that the manifest names. Raises StoreError if it is none."""
        try:
            return stored_blob(self.root, digest)
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


def _read(path: Path, limit: int = _MAX_TEXT) -> bytes:
    """A small blob. Raises StoreError naming the file."""
    try:
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except OSError as error:
        raise StoreError(f"blob {path.name} cannot be read: {error.strerror}") from error
    if len(data) > limit:
        raise StoreError(f"blob {path.name} is larger than {limit >> 20} MiB")
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


@lru_cache(maxsize=64)
def _header(path: Path, _mtime_ns: int, _size: int) -> Header:
    return read_header(path)


# What listings need of blobs is kept for good, without asking whether they are still there.


@lru_cache(maxsize=8192)
def _config(root: Path, digest: str) -> Config:
    return msgspec.json.decode(_read(stored_blob(root, digest)), type=Config)


@lru_cache(maxsize=8192)
def _rendered(root: Path, digest: str) -> tuple[str, ...]:
    text = _read(stored_blob(root, digest)).decode("utf-8", "replace")
    return chat_template(text).capabilities
