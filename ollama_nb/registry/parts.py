"""Ollama's own state of a broken download, so that either program goes on where the other stopped.

``<blob>-partial`` is a sparse file of the full size; each ``<blob>-partial-<N>`` says in JSON how
much of one part of it is there (reference: models, 3.3).
"""

import contextlib
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Self

import msgspec

from ollama_nb.errors import StoreError
from ollama_nb.failpoints import hit
from ollama_nb.store import Store, blob_path
from ollama_nb.store.damaged import unmark
from ollama_nb.store.disk import storing

_sync = getattr(os, "fdatasync", os.fsync)
_MOST_JOURNAL = 1024
"""Bytes; Ollama's have about 60."""


class Vanished(Exception):
    """Somebody removed the file that was being filled."""


class Part(msgspec.Struct, kw_only=True):
    """One range of a blob and how much of it, from its beginning, is on the disk."""

    number: int = msgspec.field(name="N")
    offset: int = msgspec.field(name="Offset")
    size: int = msgspec.field(name="Size")
    completed: int = msgspec.field(name="Completed", default=0)

    @property
    def start(self) -> int:
        """Where the first missing byte belongs."""
        return self.offset + self.completed

    @property
    def end(self) -> int:
        """Behind its last byte."""
        return self.offset + self.size

    @property
    def done(self) -> bool:
        """Whether nothing is missing."""
        return self.completed == self.size


def cut(total: int, size: int) -> list[Part]:
    """Parts of this size, the last one smaller."""
    starts = range(0, total, size)
    return [
        Part(number=number, offset=start, size=min(size, total - start))
        for number, start in enumerate(starts)
    ]


def parse_part(data: bytes) -> Part | None:
    """A journal's content, if it can be one."""
    try:
        part = msgspec.json.decode(data, type=Part)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    fits = part.number >= 0 and part.offset >= 0 and 0 <= part.completed <= part.size
    return part if fits else None


def joined(parts: Iterable[Part], total: int) -> list[Part] | None:
    """The parts in their order, if together they are the whole and nothing twice."""
    ordered = sorted(parts, key=lambda part: part.offset)
    end = 0
    for part in ordered:
        if part.offset != end or not part.size:
            return None
        end = part.end
    numbers = {part.number for part in ordered}
    return ordered if end == total and len(numbers) == len(ordered) else None


class Partial:
    """A blob that is being downloaded. Whoever has it holds the blob's download lock."""

    def __init__(self, store: Store, digest: str, total: int, part_size: int) -> None:
        """Open what is there, or begin. Raises StoreError."""
        self._disk = store.disk
        self.target = blob_path(store.disk.root, digest)
        self.path = partial_path(store, digest)
        self._total = total
        with storing():
            self._disk.folder(self.path.parent)
            self.descriptor = self._disk.open(self.path, os.O_RDWR)
        try:
            with storing():
                hit("partial-made")
                self.parts = self._resumed() or cut(total, part_size)
                os.ftruncate(self.descriptor, total)
                hit("partial-sized")
        except BaseException:
            os.close(self.descriptor)
            raise
        self._written: dict[int, int] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self.descriptor)

    @property
    def completed(self) -> int:
        """Bytes that are there."""
        return sum(part.completed for part in self.parts)

    @property
    def prefix(self) -> int:
        """Bytes that are there from the beginning on, without a gap."""
        for part in self.parts:
            if not part.done:
                return part.start
        return self._total

    @property
    def lost(self) -> bool:
        """Whether somebody removed the file: a real Ollama does when it starts."""
        return not self._is_at(self.path)

    def write(self, data: bytes, offset: int) -> None:
        """Put bytes at their place. Raises StoreError."""
        rest = memoryview(data)
        with storing():
            hit("chunk-write")
            while rest:
                count = os.pwrite(self.descriptor, rest, offset)
                rest = rest[count:]
                offset += count

    def save(self) -> None:
        """Write down what is there, after it is. Raises StoreError."""
        now = [msgspec.structs.replace(part) for part in self.parts]
        changed = [part for part in now if self._written.get(part.number) != part.completed]
        if changed:
            with storing():
                _sync(self.descriptor)
            for part in changed:
                self._journal(part)

    def begin_again(self) -> None:
        """Forget what is there; what comes, comes in one piece. Raises StoreError."""
        self._forget()
        self._written.clear()
        self.parts = cut(self._total, self._total)

    def finish(self) -> None:
        """Make it the blob. Its content has been checked. Raises StoreError or Vanished."""
        with storing():
            hit("before-blob-sync")
            os.fsync(self.descriptor)
            hit("after-blob-sync")
        if self.lost:
            raise Vanished
        try:
            self._disk.rename(self.path, self.target)
        except StoreError:
            if os.path.lexists(self.path) or self._is_at(self.target):
                raise
            raise Vanished from None
        if not self._is_at(self.target):
            if os.path.lexists(self.target):  # a stranger's, whose content nobody has checked
                self._disk.rename(self.target, self.path)
            raise Vanished
        hit("blob-placed")
        unmark(self._disk, self.target)
        self._forget()

    def drop(self) -> None:
        """Remove everything. Raises StoreError."""
        self._forget()
        with storing():
            self._disk.remove(self.path)

    def _is_at(self, path: Path) -> bool:
        try:
            return os.path.samestat(os.fstat(self.descriptor), path.lstat())
        except OSError:
            return False

    def _resumed(self) -> list[Part] | None:
        """The parts on the disk, if they are sound; else they are removed."""
        found = []
        for path in journals(self.path):
            part = read_part(path)
            if part is None:
                break
            found.append(part)
        else:
            there = os.fstat(self.descriptor).st_size
            parts = joined(found, self._total)
            if parts and all(part.start <= there for part in parts if part.completed):
                return parts
        self._forget()
        return None

    def _forget(self) -> None:
        with storing():
            for path in journals(self.path):
                self._disk.remove(path)

    def _journal(self, part: Part) -> None:
        path = self.path.with_name(f"{self.path.name}-{part.number}")
        with self._disk.draft() as draft:
            draft.write(msgspec.json.encode(part) + b"\n")
            with storing():
                draft.file.flush()
                hit("journal-written")
                # Not made durable: should it be lost, the content's digest tells.
                draft.path.replace(path)
                hit("journal-placed")
        self._written[part.number] = part.completed


def partial_path(store: Store, digest: str) -> Path:
    """Where a blob is while it is being downloaded. Raises InvalidDigest."""
    path = blob_path(store.disk.root, digest)
    return path.with_name(f"{path.name}-partial")


def journals(partial: Path) -> list[Path]:
    """The files that tell of parts; the first part's last, so that it is the last one removed."""
    pattern = re.compile(re.escape(partial.name) + r"-([0-9]{1,6})")
    found = [(pattern.fullmatch(path.name), path) for path in _entries(partial.parent)]
    numbered = [(int(match[1]), path) for match, path in found if match]
    return [path for _, path in sorted(numbered, reverse=True)]


def read_part(path: Path) -> Part | None:
    """What a journal tells, if it is one; links are not followed."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            return parse_part(file.read(_MOST_JOURNAL))
    except OSError:
        return None


def noted(store: Store, digest: str, total: int) -> int:
    """How many bytes of a blob a broken download, or another process's, has left on the disk."""
    path = partial_path(store, digest)
    try:
        if path.lstat().st_size > total:
            return 0
    except OSError:
        return 0
    parts = [part for each in journals(path) if (part := read_part(each))]
    return min(total, sum(part.completed for part in parts))


def clear(store: Store, digest: str) -> None:
    """Remove what a download killed at its very end left beside the finished blob."""
    path = partial_path(store, digest)
    if os.path.lexists(path) or os.path.lexists(path.with_name(f"{path.name}-0")):
        with store.locks.tried(f"download-{path.name[7:71]}") as free, contextlib.suppress(OSError):
            for each in (*journals(path), path) if free else ():
                store.disk.remove(each)


def _entries(folder: Path) -> Iterator[Path]:
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        yield from [Path(entry.path) for entry in entries]
