"""One blob on its way from a registry into the store, by this process or by another one."""

import threading
import time

from ollama_nb.errors import Cancelled, SpoiledDownload, StoreError
from ollama_nb.failpoints import hit
from ollama_nb.store import Store

from .fetch import Fetch, NoRanges
from .following import Follower
from .manifest import Blob
from .parts import Partial, Vanished, noted
from .patience import STEP_SECONDS, Patience, sleep
from .remote import Repository

_BEGINNINGS = 5
"""How often a download is begun whose file somebody removes."""
_SILENT_SECONDS = 1.0


class Download:
    """A blob that shall be in the store. ``run`` it once, on any thread."""

    def __init__(
        self, store: Store, repository: Repository, blob: Blob, patience: Patience
    ) -> None:
        self._store = store
        self._repository = repository
        self._blob = blob
        self._patience = patience
        self._partial: Partial | None = None
        self._most = 0
        self.waiting = False
        """Whether another process has been at it for a while."""

    @property
    def completed(self) -> int:
        """Bytes that have come; never fewer than before, even if some come again."""
        partial = self._partial
        self._most = max(self._most, partial.completed if partial else 0)
        return self._most

    def run(self, stop: threading.Event) -> None:
        """Return when the blob is there.

        Raises RegistryError, StoreError or Cancelled; then it can be resumed.
        """
        began = time.monotonic()
        while not self._ran(stop):
            self.waiting = time.monotonic() - began > _SILENT_SECONDS
            self._most = max(self._most, noted(self._store, self._blob.digest, self._blob.size))
            sleep(STEP_SECONDS, stop)
        self._most = self._blob.size

    def _ran(self, stop: threading.Event) -> bool:
        """False: another process is at it."""
        with self._store.locks.tried(f"download-{self._blob.hex}") as free:
            if free:
                hit("download-locked")
                self.waiting = False
                if not is_there(self._store, self._blob):
                    self._fetch(stop)
            return free

    def _fetch(self, stop: threading.Event) -> None:
        if not self._blob.size:
            with self._store.new_blob() as empty:
                empty.keep(self._blob.digest)
            return
        part_size = self._patience.part_size(self._blob.size)
        for _ in range(_BEGINNINGS):
            with Partial(self._store, self._blob.digest, self._blob.size, part_size) as partial:
                self._partial = partial
                try:
                    self._fill(partial, stop)
                    return
                except Vanished:
                    if is_there(self._store, self._blob):  # somebody else finished it
                        partial.begin_again()
                        return
                finally:
                    self._most = self.completed
                    self._partial = None
        raise StoreError("another program keeps removing what is being downloaded")

    def _fill(self, partial: Partial, stop: threading.Event) -> None:
        digest = self._content(partial, stop)
        if digest != self._blob.digest:
            partial.begin_again()
            digest = self._content(partial, stop)
        if digest != self._blob.digest:
            partial.drop()
            raise SpoiledDownload(self._blob.digest, digest)
        partial.finish()

    def _content(self, partial: Partial, stop: threading.Event) -> str:
        """Fetch what is missing, and tell the digest of the whole."""
        try:
            return self._fetched(partial, stop, ranges=True)
        except NoRanges:
            partial.begin_again()
            return self._fetched(partial, stop, ranges=False)

    def _fetched(self, partial: Partial, stop: threading.Event, *, ranges: bool) -> str:
        size = self._blob.size
        fetch = Fetch(partial, self._blob.digest, size, self._patience, ranges=ranges)
        if not ranges:  # each try begins at the first byte: nothing may be hashed before the end
            fetch.run(self._repository, stop)
        with Follower(partial.descriptor, size, lambda: partial.prefix) as follower:
            if ranges:
                fetch.run(self._repository, stop)
            hit("last-byte")
            while (digest := follower.digest(STEP_SECONDS)) is None:
                if stop.is_set():
                    raise Cancelled
            return digest


def is_there(store: Store, blob: Blob) -> bool:
    """Whether the store has it, whole; then it is in the directory that is written to."""
    path = store.bring(blob.digest, blob.size)
    return path is not None and path.stat().st_size == blob.size
