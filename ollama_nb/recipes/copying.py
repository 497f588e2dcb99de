"""Bytes from one file to another that are to stay as they are: inside the system, where it can."""

import errno
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

_STEP: Final = 8 << 20
_CANNOT: Final = (errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.EPERM)
"""What systems say that cannot copy by themselves, or not between these two."""


def copied(path: Path, offset: int, size: int, target: BinaryIO) -> Iterator[int]:
    """Write ``size`` bytes of a file as they are; yield how many after each step.

    Raises EOFError for a file that ends before, OSError.
    """
    left = size
    inside = hasattr(os, "copy_file_range")
    with path.open("rb", buffering=0) as source:
        source.seek(offset)
        while left:
            try:
                count = (_inside if inside else _outside)(source, target, min(left, _STEP))
            except OSError as error:
                if not inside or error.errno not in _CANNOT:
                    raise
                inside = False
                continue
            if not count:
                raise EOFError
            left -= count
            yield count


def _inside(source: BinaryIO, target: BinaryIO, count: int) -> int:
    return os.copy_file_range(source.fileno(), target.fileno(), count)


def _outside(source: BinaryIO, target: BinaryIO, count: int) -> int:
    data = source.read(count)
    write_all(target, memoryview(data))
    return len(data)


def write_all(target: BinaryIO, data: memoryview) -> None:
    """Write to an unbuffered file, which may take less at once."""
    while data:
        data = data[target.write(data) :]
