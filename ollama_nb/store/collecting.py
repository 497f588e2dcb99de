"""Removing blobs that no model needs, while other processes pull, create and delete beside us.

Whoever calls holds the lock of those who change the store; so our own processes neither pin nor
name anything meanwhile. A real Ollama knows no locks: a blob goes only when all manifests have
just been read again (reference: models, 2.7 and 2.8).
"""

import contextlib
import logging
import re
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from ollama_nb.errors import InvalidDigest, StoreError
from ollama_nb.failpoints import hit

from .blobs import blob_path, hex_of
from .disk import Disk, storing
from .holding import sweep
from .locks import Locks
from .manifests import manifest_paths, read_manifest
from .pins import pinned_digits

GRACE_SECONDS = 3600
"""A younger blob may belong to a program that has not written its manifest yet."""
PARTIAL_SECONDS = 7 * 86_400
"""How long what is left of a broken download waits to be resumed."""
LIVE_SECONDS = 30
"""What was written to more recently, a real Ollama may be downloading."""

_PARTIAL = re.compile(r"sha256-([0-9a-f]{64})-partial(-[0-9]+)?")
_TEMPORARY = re.compile(r"sha256-[0-9]{1,32}")
"""A layer that a real Ollama is writing."""

_log = logging.getLogger(__name__)


@dataclass
class _Named:
    """The hex digits that manifests name, and whether that is all of them."""

    digits: set[str] = field(default_factory=set)
    corrupt: bool = False
    """Some manifest is no manifest."""
    hidden: bool = False
    """Some manifest cannot be read now, or may just be being written."""


def collect(disk: Disk, digests: Iterable[str]) -> int:
    """Remove those of these blobs that nobody names or has pinned; return the bytes.

    Nothing goes while some manifest may name more than can be seen. Raises StoreError.
    """
    wanted = {_hex(digest) for digest in digests} - {""}
    named = _named(disk.root) if wanted else _Named()
    if named.hidden:
        return 0
    unused = sorted(wanted - named.digits - pinned_digits(disk))
    return _remove(disk, [blob_path(disk.root, f"sha256:{digits}") for digits in unused])


def prune(disk: Disk, locks: Locks, *, partials: bool = False) -> int:
    """Remove all that no manifest names and that is old enough; return the bytes.

    ``partials``: also leftovers of downloads of any age that nobody works on. Raises StoreError,
    and removes nothing, while there is a manifest that cannot be read.
    """
    named = _named(disk.root)
    if named.corrupt or named.hidden:
        raise StoreError("a manifest cannot be read; remove or pull that model, then prune again")
    kept = named.digits | pinned_digits(disk)
    unused: list[Path] = []
    broken: dict[str, list[Path]] = {}
    for path in _listed(disk.root / "blobs"):
        digits, partial = _hex(path.name), _PARTIAL.fullmatch(path.name)
        if partial:
            broken.setdefault(partial[1], []).append(path)
        elif digits not in kept and (digits or _TEMPORARY.fullmatch(path.name)):
            unused.append(path)
    freed = _remove(disk, [path for path in unused if _age(path) > GRACE_SECONDS])
    for digits, paths in broken.items():
        if min(map(_age, paths)) > (LIVE_SECONDS if partials else PARTIAL_SECONDS):
            with locks.tried(f"download-{digits}") as free:
                freed += _remove(disk, paths) if free else 0
    sweep(disk.own / "drafts")
    locks.sweep()
    return freed


def _named(root: Path) -> _Named:
    named = _Named()

    def hide(_: OSError) -> None:
        named.hidden = True

    for name, path in manifest_paths(root, hide):
        try:
            manifest = read_manifest(name, path)
        except StoreError as error:
            if isinstance(error.__cause__, FileNotFoundError):
                continue
            _log.warning("%s", error)
            if isinstance(error.__cause__, OSError) or _age(path) < GRACE_SECONDS:
                named.hidden = True
            named.corrupt = True
        else:
            named.digits |= {_hex(blob.digest) for blob in manifest.blobs}
    return named


def _remove(disk: Disk, paths: list[Path]) -> int:
    freed = 0
    with storing():
        for path in paths:
            hit("collect")
            freed += disk.remove(path)
        if paths:
            with contextlib.suppress(FileNotFoundError):
                disk.sync(disk.root / "blobs")
    return freed


def _listed(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if path.is_symlink() or path.is_file())
    except FileNotFoundError:
        return []
    except OSError as error:
        raise StoreError(f"the model store cannot be read: {error.strerror}") from error


def _age(path: Path) -> float:
    """Seconds since it was last written; none for what has just gone."""
    try:
        return time.time() - path.lstat().st_mtime
    except OSError:
        return 0.0


def _hex(digest: str) -> str:
    """The digits, or nothing for what is no digest."""
    try:
        return hex_of(digest)
    except InvalidDigest:
        return ""
