"""A manifest as a registry sends it: nothing in it is believed before it has been looked at."""

from dataclasses import dataclass
from hashlib import sha256

import msgspec

from ollama_nb.errors import RegistryError, UnusableAnswer
from ollama_nb.store import Layer
from ollama_nb.store.blobs import hex_of
from ollama_nb.store.manifests import UNDECODABLE

from .remote import Remote

MEDIA_TYPE = "application/vnd.docker.distribution.manifest.v2+json"
MOST_BYTES = 4 << 20
MOST_LAYERS = 4096
_MOST_OBJECTS = 16 * MOST_LAYERS
"""Braces are counted before they become objects in memory."""
_MOST_SIZE = 1 << 62
_EMPTY = sha256().hexdigest()


class _Document(msgspec.Struct, rename="camel"):
    config: Layer | None = None
    layers: list[Layer] | None = None
    media_type: str = ""


@dataclass(frozen=True, slots=True)
class Blob:
    """What a manifest says of a blob: its digest, in lower case, and its size."""

    digest: str
    size: int

    @property
    def hex(self) -> str:
        """The digits of the digest."""
        return self.digest.partition(":")[2]


@dataclass(frozen=True, slots=True)
class RemoteManifest:
    """Its bytes, and what they name: the layers in their order, the config last, each once."""

    data: bytes
    blobs: tuple[Blob, ...]


def fetch_manifest(remote: Remote, tag: str) -> bytes:
    """The bytes of a manifest. Raises RegistryError."""
    with remote.answer("GET", f"manifests/{tag}", {"Accept": MEDIA_TYPE}) as response:
        return remote.text(remote.plain(response), MOST_BYTES)


def parse_manifest(data: bytes, host: str, repository: str) -> RemoteManifest:
    """Check it. Raises InvalidDigest, RegistryError."""
    if len(data) > MOST_BYTES or data.count(b"{") > _MOST_OBJECTS:
        raise UnusableAnswer(host, "its manifest is too large")
    try:
        document = msgspec.json.decode(data, type=_Document)
    except UNDECODABLE as error:
        raise UnusableAnswer(host, f"no manifest ({error})") from None
    layers = list(document.layers or ())
    if not layers:
        raise UnusableAnswer(host, "a manifest without layers")
    if len(layers) > MOST_LAYERS:
        raise UnusableAnswer(host, f"a manifest with more than {MOST_LAYERS:,} layers")
    if document.config and document.config.digest:
        layers.append(document.config)
    sizes: dict[str, int] = {}
    for layer in layers:
        blob = _blob(layer, host, repository)
        if sizes.setdefault(blob.digest, blob.size) != blob.size:
            raise UnusableAnswer(host, f"two sizes for {blob.digest}")
    return RemoteManifest(data, tuple(Blob(digest, size) for digest, size in sizes.items()))


def _blob(layer: Layer, host: str, repository: str) -> Blob:
    if not layer.digest:
        raise RegistryError(f"{repository}: digest is empty")
    digits = hex_of(layer.digest)
    if not 0 <= layer.size <= _MOST_SIZE:
        raise UnusableAnswer(host, f"a size of {layer.size} for {digits[:12]}")
    if (layer.size == 0) != (digits == _EMPTY):
        raise UnusableAnswer(host, f"a size of {layer.size} that {digits[:12]} cannot have")
    return Blob(f"sha256:{digits}", layer.size)
