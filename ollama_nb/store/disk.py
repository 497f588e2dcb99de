"""Writing into a store directory so that a crash at any moment leaves the old state or the new.

A file is written as a draft, in a folder of ours beside ``blobs`` and ``manifests`` (among those, a
real Ollama would prune it or take it for a model), and then renamed. What cannot be written is a
StoreError that says why and what to do.
"""

import contextlib
import errno
import fcntl
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Self

from ollama_nb.errors import DiskFull, ReadOnlyStore, StoreError
from ollama_nb.failpoints import hit

_TRIES = 10
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_FORBIDDEN = (errno.EROFS, errno.EACCES, errno.EPERM)
_FOLDER_MODE, _FILE_MODE = 0o777, 0o666
"""Less the umask, as Ollama makes them."""
_GROUP_FOLDER_MODE, _GROUP_FILE_MODE = 0o2775, 0o664
"""In a store that a group shares, whatever the umask is."""


@contextlib.contextmanager
def storing() -> Iterator[None]:
    """Turn what the system says into StoreErrors."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise DiskFull from error
        if error.errno in _FORBIDDEN:
            raise ReadOnlyStore from error
        raise StoreError(f"the model store cannot be written: {error.strerror}") from error


class Disk:
    """One store directory, and how files come into it."""

    def __init__(self, root: Path, *, group: bool = False) -> None:
        """Take the directory, which need not exist. ``group``: its group may write everything."""
        self.root = root
        self._group = group

    @property
    def own(self) -> Path:
        """Our folder in it, for what is no model: drafts and locks."""
        return self.root / ".ollama_nb"

    def folder(self, path: Path) -> Path:
        """Make sure of a folder inside the store, and of those above it."""
        missing = []
        while not path.is_dir() and path != path.parent:
            missing.append(path)
            path = path.parent
        for each in reversed(missing):
            with contextlib.suppress(FileExistsError):
                each.mkdir(_FOLDER_MODE)
                if self._group and each.is_relative_to(self.root):
                    each.chmod(_GROUP_FOLDER_MODE)
        return missing[0] if missing else path

    def open(self, path: Path, flags: int) -> int:
        """Open a file of the store, never through a symbolic link; make it if flags say so."""
        with contextlib.suppress(FileExistsError):
            descriptor = os.open(path, flags | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _FILE_MODE)
            if self._group:
                os.fchmod(descriptor, _GROUP_FILE_MODE)
            return descriptor
        return os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC)

    def draft(self) -> "Draft":
        """Begin a file. Raises StoreError."""
        with storing():
            folder = self.folder(self.own / "drafts")
            _sweep(folder)
            return Draft(self, folder / secrets.token_hex(12))

    def write(self, path: Path, data: bytes) -> None:
        """Put a small file at ``path``, in place of any before. Raises StoreError."""
        with self.draft() as draft:
            draft.write(data)
            draft.place(path)

    def rename(self, source: Path, target: Path) -> None:
        """Give a file its name for good: after this returns, it survives a power failure."""
        hit("before-rename")
        for _ in range(_TRIES):
            self.folder(target.parent)
            try:
                source.replace(target)
                break
            except FileNotFoundError:  # a folder that has just become empty was removed
                continue
        else:
            raise StoreError(f"the model store changes too fast to write {target.name}")
        hit("after-rename")
        sync_folder(target.parent)


class Draft:
    """A file that is being written; in a ``with``, what was not placed is gone at the end."""

    def __init__(self, disk: Disk, path: Path) -> None:
        self._disk = disk
        self.path = path
        self.file: BinaryIO = os.fdopen(disk.open(path, os.O_RDWR), "w+b")
        # As long as the lock is held, the draft has an owner.
        fcntl.flock(self.file, fcntl.LOCK_EX)
        hit("draft-made")

    def write(self, data: bytes | memoryview) -> None:
        """Append. Raises StoreError."""
        with storing():
            hit("draft-write")
            self.file.write(data)

    def place(self, path: Path) -> None:
        """Make it the file at ``path``, whole and on the disk. Raises StoreError."""
        with storing():
            self.file.flush()
            hit("before-sync")
            os.fsync(self.file.fileno())
            hit("after-sync")
            self._disk.rename(self.path, path)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self.path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # what is buffered may find the disk full once more
            self.file.close()


def sync_folder(path: Path) -> None:
    """Make what was renamed or removed in a folder durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sweep(folder: Path) -> None:
    """Remove the drafts of processes that died."""
    for path in folder.iterdir():
        with contextlib.suppress(OSError), path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink()
