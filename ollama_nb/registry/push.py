"""Pushing a model: the blobs that a registry does not have yet, and at last its manifest."""

import threading
from dataclasses import dataclass

import msgspec

from ollama_nb.errors import Cancelled, ModelNotFound
from ollama_nb.failpoints import hit
from ollama_nb.names import Name
from ollama_nb.store import Layer, Model, Store
from ollama_nb.store.blobs import hex_of, stored_blob
from ollama_nb.store.manifests import UNDECODABLE

from .manifest import MEDIA_TYPE, Blob
from .patience import Patience
from .progress import REPORT_SECONDS, Report, moved, status
from .remote import Repository
from .transfers import Transfer, Transfers
from .upload import Upload


class _Kind(msgspec.Struct, rename="camel"):
    media_type: str = MEDIA_TYPE


@dataclass(frozen=True, kw_only=True)
class Push:
    """One push. The messages and their order are Ollama's (reference: models, 3.5)."""

    store: Store
    uploads: Transfers[Upload]
    repository: Repository
    name: Name
    patience: Patience
    report: Report
    stop: threading.Event

    def run(self) -> None:
        """Do it. Raises ModelNotFound, RegistryError, StoreError or Cancelled."""
        self.report(status("retrieving manifest"))
        try:
            model = self.store.find(self.name.full)
        except ModelNotFound:
            self.report(status("couldn't retrieve manifest"))
            raise ModelNotFound(str(self.name)) from None
        layers = [*model.manifest.layers, model.manifest.config]
        for layer in layers:
            if layer.digest:
                self._send(model, layer)
                hit("between-uploads")
        self.report(status("pushing manifest"))
        self._send_manifest(model.manifest.data)
        self.report(status("success"))

    def _send(self, model: Model, layer: Layer) -> None:
        blob = Blob(f"sha256:{hex_of(layer.digest)}", layer.size)
        path = stored_blob(model.root, blob.digest)
        self.uploads.share(
            (str(self.repository.url), blob),
            lambda: Upload(self.repository, blob, path, self.patience, self._origin(layer)),
            lambda transfer: self._follow(blob, transfer),
        )
        self.report(moved("pushing", blob, blob.size))

    def _follow(self, blob: Blob, transfer: Transfer[Upload]) -> None:
        while not transfer.done.wait(REPORT_SECONDS):
            if self.stop.is_set():
                raise Cancelled
            self.report(moved("pushing", blob, transfer.task.completed))

    def _origin(self, layer: Layer) -> str:
        """Another repository of the same registry, from which the layer was taken."""
        origin = Name.parse(layer.from_) if layer.from_ else None
        if origin is None or not origin.valid or origin.host.lower() != self.name.host.lower():
            return ""
        repository = f"{origin.namespace}/{origin.model}"
        return "" if repository == f"{self.name.namespace}/{self.name.model}" else repository

    def _send_manifest(self, data: bytes) -> None:
        """As it is on the disk, so that its digest stays the same."""
        try:
            kind = msgspec.json.decode(data, type=_Kind).media_type or MEDIA_TYPE
        except UNDECODABLE:
            kind = MEDIA_TYPE
        headers = {"Content-Type": kind, "Content-Length": f"{len(data)}"}
        with self.repository.connect(self.patience, self.stop) as remote:
            url = f"manifests/{self.name.tag}"
            with remote.answer("PUT", url, headers, lambda: [data], patient=True):
                hit("manifest-sent")
