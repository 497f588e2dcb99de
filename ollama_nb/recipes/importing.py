"""Files of this machine become blobs, for a model that is made of them."""

import os
import threading
from collections.abc import Iterable
from contextlib import ExitStack
from types import TracebackType
from typing import Self

from ollama_nb.errors import Cancelled, UnusableFiles
from ollama_nb.store import Store

from .local_files import LocalFile
from .progress import Report, counted

_CHUNK = 1 << 20
_STEP = 16 << 20
"""Bytes between two lines of progress."""


class Importing:
    """Files that become blobs while it is entered, which nobody collects until it ends.

    Where it ends with an error, blobs that were new are removed again.
    """

    def __init__(self, store: Store, report: Report, stop: threading.Event) -> None:
        """Copy into ``store`` until ``stop`` is set, and tell ``report`` how far it is."""
        self._store = store
        self._report = report
        self._stop = stop
        self._pins = ExitStack()
        self._new: set[str] = set()

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Let go. Raises StoreError."""
        self._pins.close()
        if kind is not None:
            self._store.collect(self._new)

    def take(self, files: Iterable[LocalFile]) -> dict[str, str]:
        """Copy files into the store; return their digests by name.

        No more is read than a file has when it is opened: some of Linux's own never end. Raises
        UnusableFiles, StoreError, and Cancelled soon after ``stop`` is set.
        """
        return {file.name: self._take(file) for file in files}

    def _take(self, file: LocalFile) -> str:
        text = f"copying file {file.name}"
        with file.reading() as source, self._store.new_blob() as blob:
            total = os.fstat(source.fileno()).st_size
            while data := source.read(min(_CHUNK, total - blob.size)):
                if self._stop.is_set():
                    raise Cancelled
                if blob.size % _STEP == 0:
                    self._report(counted(text, file.name, blob.size, total))
                blob.write(data)
            if blob.size < total:
                raise UnusableFiles(f"{file.name} became shorter while it was read")
            self._report(counted(text, file.name, total, total))
            # Before it is looked for: who removes a model that has the same file would take it.
            self._pins.enter_context(self._store.pinned([blob.digest]))
            if not self._store.has(blob.digest):
                self._new.add(blob.digest)
            return blob.keep()
