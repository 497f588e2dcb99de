"""Removing blobs that no model needs, while other processes pull, create and delete beside us.

A blob goes only while its lock is held alone, which nobody has who is about to name it in a
manifest, and after all manifests have just been read again (reference: models, 2.7 and 2.8).
"""

import contextlib
import logging
import time
from collections.abc import Iterable
from pathlib import Path

from ollama_nb.errors import InvalidDigest, StoreError
from ollama_nb.failpoints import hit

from .blobs import blob_path, hex_of
from .disk import Disk, storing, sync_folder
from .locks import Locks
from .manifests import manifest_paths, read_manifest

GRACE_SECONDS = 3600
"""A younger blob may belong to a process that has not written its manifest yet."""
PARTIAL_SECONDS = 7 * 86_400
"""How long what is left of a broken download waits to be resumed."""

_log = logging.getLogger(__name__)


def collect(disk: Disk, locks: Locks, digests: Iterable[str]) -> int:
    """Remove those of these blobs that no manifest names and nobody is using; return the bytes."""
    wanted = {_hex(digest) for digest in digests} - {""}
    with contextlib.ExitStack() as held:
        free = [one for one in sorted(wanted) if held.enter_context(locks.tried(f"blob-{one}"))]
        named, _ = named_digests(disk.root)
        unused = [blob_path(disk.root, f"sha256:{one}") for one in free if one not in named]
        return _remove(unused)


def prune(disk: Disk, locks: Locks, *, partials: bool = False) -> int:
    """Remove every blob that no manifest names, and old leftovers of downloads; return the bytes.

    ``partials``: leftovers of any age, but for those that somebody is downloading. Raises
    StoreError, and removes nothing, while there is a manifest that cannot be read.
    """
    named, complete = named_digests(disk.root)
    if not complete:
        raise StoreError("a manifest cannot be read; remove or pull that model, then prune again")
    freed, now = 0, time.time()
    unnamed = []
    for path in _files(disk.root / "blobs"):
        age = now - path.stat().st_mtime
        digits = _hex(path.name)
        if digits and digits not in named and age > GRACE_SECONDS:
            unnamed.append(path.name)
        elif "-partial" in path.name and (partials or age > PARTIAL_SECONDS):
            freed += _remove_partial(path, locks)
    return freed + collect(disk, locks, unnamed)


def named_digests(root: Path) -> tuple[set[str], bool]:
    """The hex digits that manifests name, and whether all of them could be read."""
    named: set[str] = set()
    complete = True
    for name, path in manifest_paths(root):
        try:
            manifest = read_manifest(name, path)
        except StoreError as error:
            if path.exists():
                _log.warning("%s", error)
                complete = False
            continue
        named |= {_hex(layer.digest) for layer in (manifest.config, *manifest.layers)}
    return named, complete


def _remove_partial(path: Path, locks: Locks) -> int:
    digits = path.name.removeprefix("sha256-").partition("-")[0]
    with locks.tried(f"download-{digits}") as free:
        return _remove([path]) if free else 0


def _remove(paths: list[Path]) -> int:
    freed = 0
    for path in paths:
        with storing(), contextlib.suppress(FileNotFoundError):
            size = path.lstat().st_size
            hit("collect")
            path.unlink()
            freed += size
    if paths:
        with contextlib.suppress(OSError):
            sync_folder(paths[0].parent)
    return freed


def _files(folder: Path) -> list[Path]:
    try:
        return [path for path in folder.iterdir() if path.is_file()]
    except FileNotFoundError:
        return []


def _hex(digest: str) -> str:
    """The digits, or nothing for what is no digest."""
    try:
        return hex_of(digest)
    except InvalidDigest:
        return ""
