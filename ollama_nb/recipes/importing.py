"""Files of this machine become blobs, for a model that is made of them."""

import threading
from collections.abc import Iterable

from ollama_nb.errors import Cancelled
from ollama_nb.store import Store

from .local_files import LocalFile
from .progress import Report, counted

_CHUNK = 1 << 20
_STEP = 16 << 20
"""Bytes between two lines of progress."""


def import_files(
    store: Store,
    files: Iterable[LocalFile],
    new: set[str],
    report: Report,
    stop: threading.Event,
) -> dict[str, str]:
    """Copy files into the store; return their digests by name. Those of new blobs go to ``new``.

    Raises UnusableFiles, StoreError, and Cancelled soon after ``stop`` is set.
    """
    return {file.name: _import(store, file, new, report, stop) for file in files}


def _import(
    store: Store,
    file: LocalFile,
    new: set[str],
    report: Report,
    stop: threading.Event,
) -> str:
    text = f"copying file {file.name}"
    with file.open() as source, store.new_blob() as blob:
        total = file.path.stat().st_size
        while data := source.read(_CHUNK):
            if stop.is_set():
                raise Cancelled
            if blob.size % _STEP == 0:
                report(counted(text, file.name, blob.size, total))
            blob.write(data)
        report(counted(text, file.name, blob.size, blob.size))
        if not store.has(blob.digest):
            new.add(blob.digest)
        return blob.keep()
