"""Files that say by their lock (flock) that their owner lives.

The system lets go of a lock when its owner dies, however that happens; so a file that nobody holds
is a dead owner's and may be swept away. On file systems without locks age alone tells.
"""

import contextlib
import errno
import fcntl
import os
import time
from pathlib import Path
from typing import BinaryIO

_NO_LOCKS = (errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EBADF)
_UNLOCKABLE_SECONDS = 86_400
"""How long a file may have an owner where no lock can tell."""


def hold(file: BinaryIO, *, shared: bool = False) -> bool:
    """Lock an open file at once, or say that somebody else has it. Raises OSError."""
    try:
        fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
    return True


def is_at(file: BinaryIO, path: Path) -> bool:
    """Whether the open file is still the one at ``path``."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.lstat())
    except OSError:
        return False


def sweep(folder: Path) -> None:
    """Remove the files of owners that died. What cannot be removed stays."""
    try:
        paths = list(folder.iterdir())
    except OSError:
        return
    for path in paths:
        with contextlib.suppress(OSError), _opened(path) as file:
            if _is_dead(file) and is_at(file, path):
                path.unlink()


def _opened(path: Path) -> BinaryIO:
    descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    return os.fdopen(descriptor, "rb", buffering=0)


def _is_dead(file: BinaryIO) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        old = time.time() - os.fstat(file.fileno()).st_mtime > _UNLOCKABLE_SECONDS
        return error.errno in _NO_LOCKS and old
    return True
