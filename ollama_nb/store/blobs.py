"""Blobs: files named by the SHA-256 of their content, so that nothing in them can change."""

import contextlib
import hashlib
import os
import re
from functools import lru_cache
from pathlib import Path
from typing import Self

from ollama_nb.errors import DigestMismatch, InvalidDigest
from ollama_nb.failpoints import hit

from .damaged import is_damaged, unmark
from .disk import Disk, Draft, storing

_DIGEST = re.compile(r"sha256[:-]([0-9a-fA-F]{64})")
_OLD_PREFIX, _PREFIX = "sha256:", "sha256-"
CHUNK = 1 << 20


@lru_cache(maxsize=16_384)
def blob_path(root: Path, digest: str) -> Path:
    """Where ``root`` keeps the blob ``sha256:<64 hex>``. Raises InvalidDigest for anything else."""
    return root / "blobs" / f"{_PREFIX}{hex_of(digest)}"


def stored_blob(root: Path, digest: str) -> Path:
    """The same, but for a blob that still has its name from before 2024, with a colon in it."""
    path = blob_path(root, digest)
    if not os.path.lexists(path):
        old = path.with_name(f"{_OLD_PREFIX}{hex_of(digest)}")
        if os.path.lexists(old):
            return old
    return path


def hex_of(digest: str) -> str:
    """The 64 digits, in lower case. Raises InvalidDigest."""
    match = _DIGEST.fullmatch(digest)
    if match is None:
        raise InvalidDigest
    return match[1].lower()


class NewBlob:
    """A blob that is being written: a draft, and its hash so far. Use it in a ``with``."""

    def __init__(self, disk: Disk) -> None:
        """Begin. Raises StoreError."""
        self._disk = disk
        self._draft: Draft = disk.draft()
        self._hash = hashlib.sha256()
        self.size = 0

    @property
    def digest(self) -> str:
        """``sha256:<64 hex>`` of what has been written."""
        return f"sha256:{self._hash.hexdigest()}"

    def write(self, data: bytes | memoryview) -> None:
        """Append. Raises StoreError."""
        self._draft.write(data)
        self._hash.update(data)
        self.size += len(data)

    def keep(self, expected: str = "") -> str:
        """Make it a blob of the store and return its digest.

        Raises DigestMismatch if it is not the one ``expected``; then nothing is kept.
        """
        digest = self.digest
        if expected and hex_of(expected) != hex_of(digest):
            raise DigestMismatch(expected, digest)
        if not _is_whole(self._disk, blob_path(self._disk.root, digest), self.size):
            place(self._disk, self._draft, digest)
        return digest

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._draft.__exit__()


def place(disk: Disk, draft: Draft, digest: str) -> None:
    """Make a draft, whose content has this digest, a blob of the store. Raises StoreError."""
    path = blob_path(disk.root, digest)
    draft.place(path)
    unmark(disk, path)


def is_present(disk: Disk, path: Path, size: int = 0) -> bool:
    """Whether a blob is there, with this size if one is given, and not known to be damaged.

    It is made young again, so that a real Ollama does not prune it before a manifest names it.
    """
    return _is_whole(disk, path, size or None)


def _is_whole(disk: Disk, path: Path, size: int | None) -> bool:
    try:
        if not path.is_file() or (size is not None and path.stat().st_size != size):
            return False
        if is_damaged(disk, path):
            return False
        os.utime(path, follow_symlinks=False)
    except FileNotFoundError:  # removed just now
        return False
    except OSError:  # somebody else's, or on a disk that is read-only
        return path.is_file()
    return True


def rename_old(disk: Disk) -> None:
    """Give blobs from before 2024 the name that all programs know now. Raises StoreError."""
    try:
        names = [path.name for path in (disk.root / "blobs").iterdir()]
    except OSError:
        return
    for name in names:
        if name.startswith(_OLD_PREFIX):
            with contextlib.suppress(InvalidDigest):
                target = blob_path(disk.root, name)
                if not os.path.lexists(target):
                    disk.rename(target.with_name(name), target)


def copied(disk: Disk, source: Path, digest: str) -> bool:
    """Copy a blob from another directory, checking its content on the way.

    False: it cannot be read or is damaged, and nothing was made of it. Raises StoreError.
    """
    try:
        with source.open("rb", buffering=0) as file, NewBlob(disk) as blob:
            while data := file.read(CHUNK):
                blob.write(data)
            blob.keep(digest)
    except (OSError, DigestMismatch):
        return False
    return True


def linked(disk: Disk, source: Path, target: Path) -> bool:
    """Link a blob of our own from another directory on the same disk. Raises StoreError."""
    with storing():
        disk.folder(target.parent)
        try:
            if source.is_symlink() or source.stat().st_uid != os.geteuid():
                return False
            hit("before-link")
            os.link(source, target)
        except OSError:  # another file system, or no links on this one
            return False
        hit("after-link")
        with contextlib.suppress(OSError):  # young, so that a real Ollama does not prune it
            os.utime(target, follow_symlinks=False)
        disk.sync(target.parent)
        return True
