"""The layers of a model that is being made: what each is, and which gives way to which.

Every blob of theirs is kept from being collected until ``close``.
"""

import contextlib
import hashlib
import os
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

from msgspec import structs

from ollama_nb.errors import BadRequest, BlobNotFound
from ollama_nb.gguf import Header, check_model
from ollama_nb.store import Draft, Layer, Store, blob_path
from ollama_nb.store.blobs import hex_of, place
from ollama_nb.wire.go_json import encode

_IMAGE = "application/vnd.ollama.image."
_CONFIG = "application/vnd.docker.container.image.v1+json"
_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"


NO_BASE = "no base model was found"
_MOST_TEXT = {"license": 8 << 20}
_MOST = 1 << 20
"""Bytes of a layer of text or JSON: larger ones are not read again (faults and security, 5)."""


def check_size(kind: str, size: int) -> None:
    """Raise BadRequest for a text that would make too large a layer."""
    most = _MOST_TEXT.get(kind, _MOST)
    if size > most:
        raise BadRequest(f"{kind} is longer than {most >> 20} MiB")


class Layers:
    """Layers in the order of the manifest. Use it in a ``with``: what fails leaves no blobs."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._layers: list[Layer] = []
        self._new: set[str] = set()
        """Blobs that have been written."""
        self._arrived: set[str] = set()
        """Blobs that are in the first directory since."""
        self._held: set[str] = set()
        self._statuses: dict[str, str] = {}
        """What is said of the layer of a kind, if that is something special."""
        self._header: Header | None = None
        self.made = False
        """Whether a file was made for them, which nobody has loaded yet."""
        self._pins = contextlib.ExitStack()

    def adopt(self, layer: Layer) -> None:
        """Take over a layer whose blob is somewhere in the store. Raises BlobNotFound."""
        self.pin(layer.digest)
        self._layers.append(structs.replace(layer, digest=_plain(layer.digest)))

    def hold(self, digests: Iterable[str]) -> None:
        """Keep blobs, there or still to come, until the end. Raises InvalidDigest, StoreError."""
        wanted = set(digests) - self._held
        if wanted:
            self._pins.enter_context(self._store.pinned(wanted))
            self._held |= wanted

    def pin(self, digest: str) -> Path:
        """Make sure of a blob until the end. Raises BlobNotFound, InvalidDigest."""
        path = self._bring(digest)
        if path is None:
            raise BlobNotFound(digest)
        return path

    def add_blob(self, kind: str, digest: str, *, origin: str = "") -> None:
        """Add a layer for a blob that is pinned."""
        size, media_type = self.pin(digest).stat().st_size, _IMAGE + kind
        self._layers.append(
            Layer(digest=_plain(digest), size=size, media_type=media_type, from_=origin)
        )

    def add_text(self, kind: str, text: str, *, status: str = "") -> None:
        """Add a layer of text as it is; ``status`` is what is said of it."""
        data = text.encode("utf-8", "replace")
        check_size(kind, len(data))
        self._layers.append(self._write(_IMAGE + kind, data))
        if status:
            self._statuses[kind] = status

    def add_json(self, kind: str, value: Any) -> None:
        """Add a layer of JSON, the bytes that Ollama would write."""
        data = encode(value)
        check_size(kind, len(data))
        self._layers.append(self._write(_IMAGE + kind, data))

    def add_draft(self, kind: str, draft: Draft, *, origin: str) -> None:
        """Add a layer for a file that has been written."""
        with draft.path.open("rb") as file:
            digest = f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"
            size = os.fstat(file.fileno()).st_size
        self._keep(digest, size, lambda: place(self._store.disk, draft, digest))
        self.made = True
        self.add_blob(kind, digest, origin=origin)

    def header(self) -> Header:
        """That of the model's weights, which may be loaded. Raises BadRequest, MalformedGGUF."""
        found = self.of("model")
        if not found:
            raise BadRequest(NO_BASE)
        path = self.path_of(found[-1])
        if self._header is None or self._header.path != path:
            self._header = check_model(path)
        return self._header

    def know(self, header: Header) -> None:
        """Take the judged header of the weights that were added last, which need not be read again.

        The file that it was read from may have become a blob since.
        """
        self._header = replace(header, path=self.path_of(self.of("model")[-1]))

    def replace_weights(self, draft: Draft) -> None:
        """Make a file that has been written the model's weights, where they stand."""
        old = self.of("model")[-1]
        at = self._layers.index(old)
        self.add_draft("model", draft, origin=old.from_)
        self._layers[at] = self._layers.pop()

    def remove(self, *kinds: str) -> None:
        """Take out the layers of these kinds."""
        self._layers = [layer for layer in self._layers if layer.kind not in kinds]

    def of(self, kind: str) -> list[Layer]:
        """The layers of one kind."""
        return [layer for layer in self._layers if layer.kind == kind]

    def path_of(self, layer: Layer) -> Path:
        """The file of a layer."""
        return blob_path(self._store.disk.root, layer.digest)

    def statuses(self) -> list[str]:
        """What Ollama says of each layer."""
        return [self._statuses.get(layer.kind) or self._status(layer) for layer in self._layers]

    def _status(self, layer: Layer) -> str:
        done = "creating new" if layer.digest in self._new else "using existing"
        return f"{done} layer {layer.digest}"

    def manifest(self, config: dict[str, Any]) -> bytes:
        """The manifest of these layers; writes the config blob (models, 2.2 and 2.4)."""
        layers = [_document(layer) for layer in self._layers]
        written = self._write(_CONFIG, encode(config))
        return encode(
            {
                "schemaVersion": 2,
                "mediaType": _MANIFEST,
                "config": _document(written),
                "layers": layers,
            }
        )

    def _write(self, media_type: str, data: bytes) -> Layer:
        with self._store.new_blob() as blob:
            blob.write(data)
            digest = blob.digest
            self._keep(digest, len(data), blob.keep)
        return Layer(digest=digest, size=len(data), media_type=media_type)

    def _keep(self, digest: str, size: int, keep: Callable[[], object]) -> None:
        """Pin before the blob is there, so that it is never there without."""
        if self._bring(digest, size) is None:
            self._new.add(digest)
            self._arrived.add(digest)
            keep()

    def _bring(self, digest: str, size: int = 0) -> Path | None:
        """Hold a blob; the path of one that is in any of the directories, with a size if given."""
        self.hold([digest])
        known = blob_path(self._store.disk.root, digest).exists()
        path = self._store.bring(digest, size)
        if path is not None and not known:
            self._arrived.add(digest)
        return path

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        self._pins.close()
        if kind is not None:  # nothing half-made stays
            self._store.collect(self._arrived)


def _plain(digest: str) -> str:
    """As Ollama writes it, whatever the case and the sign that it was given with."""
    return f"sha256:{hex_of(digest)}"


def _document(layer: Layer) -> dict[str, Any]:
    document: dict[str, Any] = {
        "mediaType": layer.media_type, "digest": layer.digest, "size": layer.size
    }  # fmt: skip
    if layer.from_:
        document["from"] = layer.from_
    if layer.name:
        document["name"] = layer.name
    return document
