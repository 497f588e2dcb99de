"""Pulling a model: its manifest, the blobs that are missing, and at last its name in the store."""

import threading
from dataclasses import dataclass

from ollama_nb.errors import Cancelled, ManifestNotPulled, RegistryError
from ollama_nb.failpoints import hit
from ollama_nb.names import Name
from ollama_nb.store import Store
from ollama_nb.store.space import check_space

from .download import Download, is_there
from .manifest import Blob, RemoteManifest, fetch_manifest, parse_manifest
from .parts import clear, noted
from .patience import Patience
from .progress import REPORT_SECONDS, Report, moved, status
from .remote import Repository
from .retrying import Tries
from .transfers import Transfer, Transfers


@dataclass(frozen=True, kw_only=True)
class Pull:
    """One pull. The messages and their order are Ollama's (reference: models, 3.2)."""

    store: Store
    downloads: Transfers[Download]
    repository: Repository
    name: Name
    reserve: int | None
    patience: Patience
    report: Report
    stop: threading.Event

    def run(self) -> None:
        """Do it. Raises RegistryError, StoreError or Cancelled."""
        self.report(status("pulling manifest"))
        manifest = self._manifest()
        hit("manifest-fetched")
        with self.store.pinned(blob.digest for blob in manifest.blobs):
            self._bring(manifest.blobs)
            self.report(status("verifying sha256 digest"))
            self.report(status("writing manifest"))
            hit("before-manifest")
            freed = self.store.save(self.name, manifest.data)
        if freed:
            self.report(status("removing unused layers"))
        self.report(status("success"))

    def _manifest(self) -> RemoteManifest:
        tries = Tries(self.patience)
        with self.repository.connect(self.patience, self.stop) as remote:
            while True:
                try:
                    data = fetch_manifest(remote, self.name.tag)
                    break
                except RegistryError as error:
                    if getattr(error, "wait", None) is None:
                        raise ManifestNotPulled(error) from error
                    self._wait(tries, error)
        return parse_manifest(
            data, self.repository.host, f"{self.name.namespace}/{self.name.model}"
        )

    def _wait(self, tries: Tries, error: RegistryError) -> None:
        """Come again when the registry says so."""
        try:
            tries.failed(error, self.stop)
        except RegistryError as last:
            raise ManifestNotPulled(last) from error

    def _bring(self, blobs: tuple[Blob, ...]) -> None:
        missing = [blob for blob in blobs if not is_there(self.store, blob)]
        left = sum(blob.size - noted(self.store, blob.digest, blob.size) for blob in missing)
        check_space(self.store.disk.root, left, self.reserve)
        for blob in blobs:
            if self.stop.is_set():
                raise Cancelled
            if blob in missing:
                self._download(blob)
                hit("between-blobs")
            else:
                clear(self.store, blob.digest)
                self.report(moved("pulling", blob, blob.size))

    def _download(self, blob: Blob) -> None:
        """By its digest alone: other models, of other registries too, may need the same blob."""
        self.downloads.share(
            blob,
            lambda: Download(self.store, self.repository, blob, self.patience),
            lambda transfer: self._follow(blob, transfer),
        )

    def _follow(self, blob: Blob, transfer: Transfer[Download]) -> None:
        told = False
        while not transfer.done.wait(REPORT_SECONDS):
            if self.stop.is_set():
                raise Cancelled
            if transfer.task.waiting and not told:
                told = True
                self.report(status(f"waiting for another process to pull {blob.hex[:12]}"))
            self.report(moved("pulling", blob, transfer.task.completed))
        self.report(moved("pulling", blob, transfer.task.completed))
