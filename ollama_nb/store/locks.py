"""Advisory locks between our own processes; a real Ollama takes none.

A lock is a file that is held with flock: the system lets go of it when its owner dies, however that
happens. Whoever releases it last removes the file. On file systems without locks everybody gets it.
"""

import contextlib
import errno
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path

from ollama_nb.errors import StoreError

from .disk import Disk, storing

_POLL_SECONDS = 0.02
_PATIENCE_SECONDS = 30.0
"""Locks that are waited for are held for moments; this long, their owner must be stopped."""
_NO_LOCKS = (errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS)


class Locks:
    """The locks of one store directory, by key: a digest's hex digits, or a name."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk

    @contextlib.contextmanager
    def held(self, key: str, *, shared: bool = False) -> Iterator[None]:
        """Wait for a lock and hold it. Raises StoreError where its owner does not move."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while (descriptor := self._take(key, shared=shared)) is None:
            if time.monotonic() > deadline:
                raise StoreError("another process keeps this part of the model store locked")
            time.sleep(_POLL_SECONDS)
        try:
            yield
        finally:
            self._release(key, descriptor)

    @contextlib.contextmanager
    def tried(self, key: str) -> Iterator[bool]:
        """Hold a lock alone if it is free; else give False at once."""
        descriptor = self._take(key, shared=False)
        if descriptor is None:
            yield False
            return
        try:
            yield True
        finally:
            self._release(key, descriptor)

    def _path(self, key: str) -> Path:
        return self._disk.own / "locks" / key

    def _take(self, key: str, *, shared: bool) -> int | None:
        path = self._path(key)
        mode = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
        while True:
            with storing():
                self._disk.folder(path.parent)
                try:
                    descriptor = self._disk.open(path, os.O_RDWR)
                except FileNotFoundError:  # removed since it was found to exist
                    continue
            try:
                fcntl.flock(descriptor, mode | fcntl.LOCK_NB)
            except OSError as error:
                if error.errno in _NO_LOCKS:
                    return descriptor
                os.close(descriptor)
                if isinstance(error, BlockingIOError):
                    return None
                raise
            if _is_at(descriptor, path):
                return descriptor
            os.close(descriptor)  # its last owner has just removed it

    def _release(self, key: str, descriptor: int) -> None:
        """Let go; the last one removes the file, while nobody else can hold it."""
        with contextlib.suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._path(key).unlink(missing_ok=True)
        os.close(descriptor)


def _is_at(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except OSError:
        return False
