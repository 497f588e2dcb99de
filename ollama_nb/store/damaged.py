"""What is known of damaged blobs: an empty file of ours for each, named by its digest and inode.

Verifying finds them and deletes nothing: a damaged model often still answers, and its owner may be
without a network. The next pull of a model that needs the blob does not take it for present, and
replaces it. A blob that was replaced has another inode, so the mark means nothing any more. The
number of an inode is given out again, though: who places a blob unmarks it.
"""

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path

from .disk import Disk, storing


def mark_damaged(disk: Disk, path: Path) -> None:
    """Remember that the file of a blob, of any store directory, is damaged. Raises StoreError."""
    with storing():
        folder = disk.folder(disk.own / "damaged")
        os.close(disk.open(folder / _mark(path), os.O_RDONLY))


def is_damaged(disk: Disk, path: Path) -> bool:
    """Whether it has been marked."""
    try:
        return os.path.lexists(disk.own / "damaged" / _mark(path))
    except OSError:
        return False


def unmark(disk: Disk, path: Path) -> None:
    """Forget it, where it could be marked."""
    with contextlib.suppress(OSError):
        disk.remove(disk.own / "damaged" / _mark(path))


def forget_replaced(disk: Disk, roots: Sequence[Path]) -> None:
    """Remove marks of files that are no more. What cannot be removed stays."""
    with contextlib.suppress(OSError):
        for mark in (disk.own / "damaged").iterdir():
            name = mark.name.rpartition(".")[0]
            paths = [root / "blobs" / name for root in roots]
            if not any(path.exists() and _mark(path) == mark.name for path in paths):
                disk.remove(mark)


def _mark(path: Path) -> str:
    return f"{path.name}.{path.stat().st_ino}"
