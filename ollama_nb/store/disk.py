"""Writing into a store directory so that a crash at any moment leaves the old state or the new.

A file is written as a draft, in a folder of ours beside ``blobs`` and ``manifests`` (among those, a
real Ollama would prune it or take it for a model), and then renamed. Folders are entered one by
one, never through a symbolic link: nobody who shares the store can lead us out of it. What cannot
be written is a StoreError that says why and what to do.
"""

import contextlib
import errno
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Self

from ollama_nb.errors import DiskFull, ReadOnlyStore, StoreError
from ollama_nb.failpoints import hit

from .holding import hold, is_at, sweep

_TRIES = 10
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_FORBIDDEN = (errno.EROFS, errno.EACCES, errno.EPERM)
_MISPLACED = (errno.ELOOP, errno.ENOTDIR)
_FOLDER_MODE, _FILE_MODE = 0o755, 0o644
"""Less the umask, as Ollama makes them."""
_GROUP_FOLDER_MODE, _GROUP_FILE_MODE = 0o2775, 0o664
"""In a store that a group shares, whatever the umask is."""
_ENTER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


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
        if error.errno in _MISPLACED:
            raise StoreError(
                "the model store has a symbolic link or a file in the place of a folder, and is "
                "not changed through it; set OLLAMA_MODELS to the folder where the models are"
            ) from error
        raise StoreError(f"the model store cannot be written: {error.strerror}") from error


class Disk:
    """One store directory, and how files come into it and leave it. Paths are all below it."""

    def __init__(self, root: Path, *, group: bool = False) -> None:
        """Take the directory, which need not exist. ``group``: its group may write everything."""
        self.root = root
        self._group = group

    @property
    def own(self) -> Path:
        """Our folder in it, for what is no model: drafts, pins and locks."""
        return self.root / ".ollama_nb"

    def folder(self, path: Path) -> Path:
        """Make sure of a folder, and of those above it. Raises OSError."""
        with self._entered(path, make=True):
            return path

    def open(self, path: Path, flags: int) -> int:
        """Open a file, and make it if it is not there. Raises OSError."""
        with self._entered(path.parent) as folder:
            with contextlib.suppress(FileExistsError):
                made = flags | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
                descriptor = os.open(path.name, made, _FILE_MODE, dir_fd=folder)
                if self._group:
                    os.fchmod(descriptor, _GROUP_FILE_MODE)
                return descriptor
            safely = flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
            return os.open(path.name, safely, dir_fd=folder)

    def draft(self, kind: str = "drafts") -> "Draft":
        """Begin a file, in a folder of ours for its kind. Raises StoreError."""
        with storing():
            folder = self.folder(self.own / kind)
            sweep(folder)
            return Draft(self, folder)

    def write(self, path: Path, data: bytes) -> None:
        """Put a small file at ``path``, in place of any before. Raises StoreError."""
        with self.draft() as draft:
            draft.write(data)
            draft.place(path)

    def rename(self, source: Path, target: Path) -> None:
        """Give a file its name for good: after this returns, it survives a power failure.

        Raises StoreError.
        """
        with storing():
            hit("before-rename")
            for _ in range(_TRIES):
                with contextlib.suppress(FileNotFoundError):  # a folder that was empty just went
                    self._rename(source, target)
                    return
        raise StoreError(f"the model store changes too fast to write {target.name}")

    def _rename(self, source: Path, target: Path) -> None:
        with (
            self._entered(source.parent) as before,
            self._entered(target.parent, make=True) as after,
        ):
            os.rename(source.name, target.name, src_dir_fd=before, dst_dir_fd=after)
            hit("after-rename")
            os.fsync(after)

    def remove(self, path: Path) -> int:
        """Remove a file or a symbolic link, if it is there; return its bytes. Raises OSError."""
        try:
            with self._entered(path.parent) as folder:
                size = os.stat(path.name, dir_fd=folder, follow_symlinks=False).st_size
                os.unlink(path.name, dir_fd=folder)
        except FileNotFoundError:
            return 0
        return size

    def remove_empty(self, folder: Path, top: Path) -> Path:
        """Remove a folder and those above it, below ``top``, as far as they are empty.

        Returns the first one that stays. Raises OSError.
        """
        while folder != top:
            try:
                with self._entered(folder.parent) as above:
                    os.rmdir(folder.name, dir_fd=above)
            except FileNotFoundError:
                pass
            except OSError as error:
                if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
                    break
                raise
            folder = folder.parent
        return folder

    def sync(self, folder: Path) -> None:
        """Make what was renamed or removed in a folder durable. Raises OSError."""
        with self._entered(folder) as descriptor:
            os.fsync(descriptor)

    @contextlib.contextmanager
    def _entered(self, folder: Path, *, make: bool = False) -> Iterator[int]:
        """Open a folder of the store. Only above the store's own may there be symbolic links."""
        parts = folder.relative_to(self.root).parts
        if make:
            self._make_root()
        descriptor = os.open(self.root, _ENTER)
        try:
            for part in parts:
                made = make and self._make(part, descriptor)
                inner = os.open(part, _ENTER | os.O_NOFOLLOW, dir_fd=descriptor)
                try:
                    if make and self._group:
                        _share(inner)
                    if made:
                        os.fsync(descriptor)
                finally:
                    outer, descriptor = descriptor, inner
                    os.close(outer)
            yield descriptor
        finally:
            os.close(descriptor)

    def _make_root(self) -> None:
        if not self.root.is_dir():
            self.root.mkdir(_FOLDER_MODE, parents=True, exist_ok=True)
            if self._group:
                self.root.chmod(_GROUP_FOLDER_MODE)

    def _make(self, name: str, above: int) -> bool:
        """Whether the folder was not there."""
        try:
            os.mkdir(name, _FOLDER_MODE, dir_fd=above)
        except FileExistsError:
            return False
        hit("folder-made")
        return True


class Draft:
    """A file that is being written; in a ``with``, what was not placed is gone at the end."""

    def __init__(self, disk: Disk, folder: Path) -> None:
        """Begin it under a name that nobody has. Raises OSError."""
        self._disk = disk
        while True:
            self.path = folder / secrets.token_hex(12)
            self.file: BinaryIO = os.fdopen(disk.open(self.path, os.O_RDWR), "w+b")
            # As long as the lock is held, the draft has an owner.
            if hold(self.file) and is_at(self.file, self.path):
                break
            self.file.close()  # taken for a dead one's before it was locked
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
            self._disk.remove(self.path)
        with contextlib.suppress(OSError):  # what is buffered may find the disk full once more
            self.file.close()


def _share(folder: int) -> None:
    """Open a folder of ours to the group: a new one, or one whose maker died before this."""
    status = os.fstat(folder)
    if status.st_uid == os.geteuid() and status.st_mode & _GROUP_FOLDER_MODE != _GROUP_FOLDER_MODE:
        os.fchmod(folder, _GROUP_FOLDER_MODE)
