"""Blobs: files named by the SHA-256 of their content, so that nothing in them can change."""

import hashlib
import os
import re
from pathlib import Path
from typing import Self

from ollama_nb.errors import DigestMismatch, InvalidDigest

from .disk import Disk, Draft

_DIGEST = re.compile(r"sha256[:-]([0-9a-fA-F]{64})")


def blob_path(root: Path, digest: str) -> Path:
    """Where ``root`` keeps the blob ``sha256:<64 hex>``. Raises InvalidDigest for anything else."""
    return root / "blobs" / f"sha256-{hex_of(digest)}"


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
        path = blob_path(self._disk.root, digest)
        if not touch(path):
            self._draft.place(path)
        return digest

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._draft.__exit__()


def touch(path: Path) -> bool:
    """Make a blob young again, so that nobody prunes it now. False: it is not there."""
    if not path.is_file():
        return False
    try:
        os.utime(path)
    except FileNotFoundError:  # pruned just now
        return False
    except OSError:  # somebody else's, or on a disk that is read-only
        pass
    return True
