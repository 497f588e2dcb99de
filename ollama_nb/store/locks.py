"""Advisory locks between our own processes; a real Ollama takes none.

A lock is a file that is held (see holding). Whoever releases it last removes the file.
"""

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from ollama_nb.errors import StoreError

from .disk import Disk, storing
from .holding import hold, is_at, sweep

_POLL_SECONDS = 0.01
_PATIENCE_SECONDS = 30.0
"""Locks that are waited for are held for moments; this long, their owner must be stopped."""


class Locks:
    """The locks of one store directory, by key: what is locked, as a file name."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk

    @contextlib.contextmanager
    def held(self, key: str, *, shared: bool = False) -> Iterator[None]:
        """Wait for a lock and hold it. Raises StoreError where its owner does not move."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while (file := self._take(key, shared=shared)) is None:
            if time.monotonic() > deadline:
                raise StoreError(
                    "another process keeps the model store locked and does not go on (stopped?)"
                )
            time.sleep(_POLL_SECONDS)
        try:
            yield
        finally:
            self._release(key, file)

    @contextlib.contextmanager
    def tried(self, key: str) -> Iterator[bool]:
        """Hold a lock alone if it is free; else give False at once."""
        file = self._take(key, shared=False)
        if file is None:
            yield False
            return
        try:
            yield True
        finally:
            self._release(key, file)

    def sweep(self) -> None:
        """Remove the files of locks whose owners died."""
        sweep(self._disk.own / "locks")

    def _path(self, key: str) -> Path:
        return self._disk.own / "locks" / key

    def _take(self, key: str, *, shared: bool) -> BinaryIO | None:
        path = self._path(key)
        while True:
            with storing():
                file = self._open(path)
                if file is None:
                    continue
                if not hold(file, shared=shared):
                    file.close()
                    return None
            if is_at(file, path):
                return file
            file.close()  # its last owner has just removed it

    def _open(self, path: Path) -> BinaryIO | None:
        """The file; or None if it was removed just after it was found to exist."""
        self._disk.folder(path.parent)
        try:
            # A file object, which closes itself should an interrupt lose it.
            return os.fdopen(self._disk.open(path, os.O_RDWR), "r+b", buffering=0)
        except FileNotFoundError:
            return None

    def _release(self, key: str, file: BinaryIO) -> None:
        """Let go; the last one removes the file, while nobody else can hold it."""
        with file, contextlib.suppress(OSError):
            if hold(file):
                self._disk.remove(self._path(key))
