"""Manifests: which blobs make up the model of a name (reference: models, 2.1 to 2.3)."""

import hashlib
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import msgspec

from ollama_nb.errors import InvalidName, StoreError
from ollama_nb.names import Name

_MAX_BYTES = 4 << 20
_MAX_KEPT = 64 << 10
_SETTLED_NS = 2_000_000_000

UNDECODABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What decoding JSON raises for bytes that are none, or not of the right shape."""

_IMAGE = "application/vnd.ollama.image."


class Layer(msgspec.Struct, frozen=True, rename="camel"):
    """One blob of a model: what it is, and where it came from."""

    digest: str = ""
    size: int = 0
    media_type: str = ""
    from_: str = msgspec.field(default="", name="from")
    name: str = ""
    """Only in models of many tensors, which others run."""

    @property
    def kind(self) -> str:
        """``model``, ``template``, … for Ollama's media types, else empty."""
        return self.media_type.removeprefix(_IMAGE) if self.media_type.startswith(_IMAGE) else ""


class _Document(msgspec.Struct, frozen=True):
    config: Layer | None = None
    layers: tuple[Layer, ...] | None = None


@dataclass(frozen=True, slots=True)
class Manifest:
    """A manifest file as found. ``digest`` is the hex SHA-256 of its bytes, ``size`` in bytes."""

    name: Name
    data: bytes
    """The file: a model is copied and pushed as it was pulled, byte for byte."""
    digest: str
    modified_ns: int
    config: Layer
    layers: tuple[Layer, ...]
    last: dict[str, str]
    """The digest of the last layer of each kind: a later one wins."""

    @property
    def size(self) -> int:
        """All layers and the config together."""
        return self.config.size + sum(layer.size for layer in self.layers)

    @property
    def blobs(self) -> tuple[Layer, ...]:
        """Everything that it names: the config, if there is one, and the layers."""
        return (self.config, *self.layers) if self.config.digest else self.layers


def manifest_path(root: Path, name: Name) -> Path:
    """Where ``root`` keeps the manifest of a valid name (S5)."""
    if not name.valid:
        raise InvalidName
    return root / "manifests" / name.host / name.namespace / name.model / name.tag


def manifest_paths(
    root: Path, hidden: Callable[[OSError], object] = lambda _: None
) -> Iterator[tuple[Name, Path]]:
    """Every file exactly four levels below ``manifests`` whose path spells a valid name.

    ``hidden`` is told of folders that may not be read.
    """
    folders = [str(root / "manifests")]
    for _ in range(3):
        folders = [
            entry.path
            for folder in folders
            for entry in _entries(folder, hidden)
            if not entry.name.startswith(".")
        ]
    for folder in folders:
        for entry in _entries(folder, hidden):
            found = _named(entry.path)
            try:
                if found is not None and entry.is_file():
                    yield found
            except OSError as error:
                hidden(error)


def _entries(folder: str, hidden: Callable[[OSError], object]) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as found:
            return sorted(found, key=lambda entry: entry.name)
    except (FileNotFoundError, NotADirectoryError):
        pass
    except OSError as error:
        hidden(error)
    return []


@lru_cache(maxsize=8192)
def _named(path: str) -> tuple[Name, Path] | None:
    """The name that a path spells, if it does: stores are walked again and again."""
    _, *parts = path.rsplit("/", 4)
    name = Name(*parts)
    return (name, Path(path)) if name.valid else None


def is_file(path: Path) -> bool:
    """Whether there is a file that may be seen; a name too long for the disk is no error."""
    try:
        return path.is_file()
    except OSError:
        return False


def read_manifest(name: Name, path: Path) -> Manifest:
    """Read one manifest, tolerating unknown fields. Raises StoreError."""
    try:
        status = path.stat()
        # A file may change twice within one tick of its clock, or be too large to be kept.
        settled = time.time_ns() - status.st_mtime_ns > _SETTLED_NS
        read = _kept if settled and status.st_size <= _MAX_KEPT else _read
        return read(name, path, status.st_mtime_ns, status.st_size, status.st_ino)
    except OSError as error:
        raise StoreError(f"manifest of '{name}' cannot be read: {error.strerror}") from error


def _read(name: Name, path: Path, modified_ns: int, size: int, _inode: int) -> Manifest:
    with path.open("rb") as file:
        data = file.read(min(size, _MAX_BYTES) + 1)  # what is asked for is allocated
        if len(data) > size:  # it has just grown
            data += file.read(_MAX_BYTES)
    return parse_manifest(name, data, modified_ns)


_kept = lru_cache(maxsize=8192)(_read)
"""Versions of files, kept: a list of 1,000 models reads 1,000 of them."""


def parse_manifest(name: Name, data: bytes, modified_ns: int = 0) -> Manifest:
    """Take a manifest's bytes for what they are. Raises StoreError."""
    try:
        document = msgspec.json.decode(data[:_MAX_BYTES], type=_Document)
    except UNDECODABLE as error:
        raise StoreError(f"manifest of '{name}' cannot be read: {error}") from error
    return Manifest(
        name=name,
        data=data,
        digest=hashlib.sha256(data).hexdigest(),
        modified_ns=modified_ns,
        config=document.config or Layer(),
        layers=document.layers or (),
        last={layer.kind: layer.digest for layer in document.layers or ()},
    )
