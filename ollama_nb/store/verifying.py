"""Hashing again what manifests name, to find what a disk has lost or changed.

Deletes nothing. What is damaged is marked (see damaged), so that a pull replaces it.
"""

import contextlib
import hashlib
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ollama_nb.errors import Cancelled, InvalidDigest, StoreError

from .blobs import hex_of, stored_blob
from .damaged import mark_damaged, unmark
from .disk import Disk
from .manifests import is_file, manifest_paths, read_manifest

_CHUNK = 4 << 20


@dataclass(frozen=True, slots=True)
class Damage:
    """What is wrong with a blob, and the models that need it; for a manifest no ``digest``."""

    digest: str
    fault: str
    models: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Checked:
    """How far it has come, in bytes of all blobs, and what has been found out just now."""

    digest: str
    completed: int
    total: int
    damage: Damage | None = None


class _Wanted:
    """One blob of one directory: who needs it, and how large it is said to be."""

    def __init__(self) -> None:
        self.models: list[str] = []
        self.sizes: set[int] = set()


def verify(disk: Disk, roots: Sequence[Path], cancelled: threading.Event) -> Iterator[Checked]:
    """Check the blobs of all ``roots``. Marks are kept on ``disk``. Raises Cancelled."""
    wanted: dict[tuple[Path, str], _Wanted] = {}
    broken = [damage for root in roots for damage in _survey(root, wanted)]
    paths = {key: stored_blob(*key) if _valid(key[1]) else None for key in wanted}
    total = sum(_size(path) for path in paths.values())
    yield from (Checked("", 0, total, damage) for damage in broken)
    completed = 0
    for key, path in paths.items():
        one, digest = wanted[key], key[1]
        inode = _inode(path)
        fault, begun = _apparent(path, one.sizes), completed
        if path is not None and not fault:
            state = hashlib.sha256()
            try:
                for count in _hashed(path, state, cancelled):
                    completed += count
                    yield Checked(digest, completed, total)
                if state.hexdigest() != hex_of(digest):
                    fault = f"has other content, sha256:{state.hexdigest()}"
            except OSError as error:
                fault = f"cannot be read: {error.strerror}"
        completed = begun + _size(path)
        with contextlib.suppress(StoreError):  # a store that is only read keeps no marks
            if _inode(path) == inode:  # else it was replaced, and the new one has not been read
                _note(disk, path, damaged=bool(fault))
        damage = Damage(digest, fault, tuple(one.models)) if fault else None
        yield Checked(digest, completed, total, damage)


def _survey(root: Path, wanted: dict[tuple[Path, str], _Wanted]) -> Iterator[Damage]:
    """Find out what is wanted of one directory; give the manifests that are none."""
    for name, path in manifest_paths(root):
        try:
            manifest = read_manifest(name, path)
        except StoreError as error:
            if is_file(path):
                yield Damage("", str(error), (str(name),))
            continue
        for blob in manifest.blobs:
            digest = f"sha256:{hex_of(blob.digest)}" if _valid(blob.digest) else blob.digest
            one = wanted.setdefault((root, digest), _Wanted())
            one.sizes.add(blob.size)
            if str(name) not in one.models:
                one.models.append(str(name))


def _apparent(path: Path | None, sizes: set[int]) -> str:
    """What is wrong without reading it, or nothing."""
    if path is None:
        return "is no digest"
    if not is_file(path):
        return "is missing"
    if any(sizes) and _size(path) not in sizes:
        return f"is {_size(path):,} bytes long instead of {max(sizes):,}"
    return ""


def _hashed(path: Path, state: "hashlib._Hash", cancelled: threading.Event) -> Iterator[int]:
    """Put a file into a hash, giving the size of each piece."""
    with path.open("rb", buffering=0) as file:
        while data := file.read(_CHUNK):
            if cancelled.is_set():
                raise Cancelled
            state.update(data)
            yield len(data)


def _note(disk: Disk, path: Path | None, *, damaged: bool) -> None:
    if path is not None and is_file(path):
        if damaged:
            mark_damaged(disk, path)
        else:
            unmark(disk, path)


def _inode(path: Path | None) -> int | None:
    try:
        return path.stat().st_ino if path is not None else None
    except OSError:
        return None


def _valid(digest: str) -> bool:
    try:
        return bool(hex_of(digest))
    except InvalidDigest:
        return False


def _size(path: Path | None) -> int:
    try:
        return path.stat().st_size if path is not None else 0
    except OSError:
        return 0
