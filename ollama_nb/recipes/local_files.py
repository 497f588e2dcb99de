"""Files of this machine, opened so that nothing but a regular file inside a folder is ever read.

A device may never end, a pipe may never answer, and a symbolic link may lead anywhere (rule S7).
"""

import contextlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import msgspec

from ollama_nb.errors import UnusableFiles

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# Non-blocking: a pipe that takes the file's place in the last moment must not keep us.
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


class LocalFile(msgspec.Struct, frozen=True):
    """A file that a model is made of. ``name`` is relative to what was named, with slashes."""

    name: str
    root: Path
    """The folder that it lies in, itself or its link's target; absolute and without links."""
    inside: tuple[str, ...]
    """The way to it from there, without links."""

    @property
    def path(self) -> Path:
        """Where it is."""
        return self.root.joinpath(*self.inside)

    @contextlib.contextmanager
    def reading(self) -> Iterator[BinaryIO]:
        """Open it; what the system does not let us read of it is UnusableFiles too."""
        with self.open() as file:
            try:
                yield file
            except OSError as error:
                raise UnusableFiles.unreadable(self.name, error) from error

    def open(self) -> BinaryIO:
        """Open it for reading. Raises UnusableFiles, also for links that are in its way by now."""
        folder = -1
        try:
            folder = os.open(self.root, _FOLDER)
            for part in self.inside[:-1]:
                outer, folder = folder, os.open(part, _FOLDER, dir_fd=folder)
                os.close(outer)
            return self._open_in(folder)
        except OSError as error:
            raise UnusableFiles.unreadable(self.name, error) from error
        finally:
            if folder >= 0:
                os.close(folder)

    def _open_in(self, folder: int) -> BinaryIO:
        name = self.inside[-1]
        # Looked at before, since to open a device can do something, and after, since it may change.
        self._check(os.stat(name, dir_fd=folder, follow_symlinks=False))
        file = os.fdopen(os.open(name, _FILE, dir_fd=folder), "rb")
        try:
            self._check(os.fstat(file.fileno()))
        except UnusableFiles:
            file.close()
            raise
        return file

    def _check(self, status: os.stat_result) -> None:
        if not stat.S_ISREG(status.st_mode):
            raise UnusableFiles.special(self.name)


def file_in(root: Path, name: str) -> LocalFile:
    """Find a file of a folder without links in its own path. Raises UnusableFiles.

    Links are followed as long as they stay inside.
    """
    try:
        found = (root / name).resolve(strict=True)
    except (OSError, RuntimeError, ValueError) as error:  # links in a circle; a NUL
        raise UnusableFiles.unreadable(name, error) from error
    if not found.is_relative_to(root) or found == root:
        raise UnusableFiles.insecure(name, str(found))
    return LocalFile(name, root, found.relative_to(root).parts)
