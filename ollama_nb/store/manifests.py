"""Manifests: which blobs make up the model of a name (reference: models, 2.1 to 2.3)."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from ollama_nb.errors import InvalidName, StoreError
from ollama_nb.names import Name

_MAX_BYTES = 4 << 20

UNDECODABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What decoding JSON raises for bytes that are none, or not of the right shape."""

_IMAGE = "application/vnd.ollama.image."


class Layer(msgspec.Struct, frozen=True, rename="camel"):
    """One blob of a model: what it is, and where it came from."""

    digest: str = ""
    size: int = 0
    media_type: str = ""
    from_: str = msgspec.field(default="", name="from")

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

    @property
    def size(self) -> int:
        """All layers and the config together."""
        return self.config.size + sum(layer.size for layer in self.layers)


def manifest_path(root: Path, name: Name) -> Path:
    """Where ``root`` keeps the manifest of a valid name (S5)."""
    if not name.valid:
        raise InvalidName
    return root / "manifests" / name.host / name.namespace / name.model / name.tag


def manifest_paths(root: Path) -> Iterator[tuple[Name, Path]]:
    """Every file exactly four levels below ``manifests`` whose path spells a valid name."""
    folder = root / "manifests"
    for path in sorted(folder.glob("*/*/*/*")):
        name = Name(*path.relative_to(folder).parts)
        if name.valid and is_file(path):
            yield name, path


def is_file(path: Path) -> bool:
    """Whether there is a file that may be seen; a name too long for the disk is no error."""
    try:
        return path.is_file()
    except OSError:
        return False


def read_manifest(name: Name, path: Path) -> Manifest:
    """Read one manifest, tolerating unknown fields. Raises StoreError."""
    try:
        modified_ns = path.stat().st_mtime_ns
        with path.open("rb") as file:
            data = file.read(_MAX_BYTES + 1)
        document = msgspec.json.decode(data[:_MAX_BYTES], type=_Document)
    except OSError as error:
        raise StoreError(f"manifest of '{name}' cannot be read: {error.strerror}") from error
    except UNDECODABLE as error:
        raise StoreError(f"manifest of '{name}' cannot be read: {error}") from error
    return Manifest(
        name=name,
        data=data,
        digest=hashlib.sha256(data).hexdigest(),
        modified_ns=modified_ns,
        config=document.config or Layer(),
        layers=document.layers or (),
    )
