"""Arrays in a GGUF file: their element types, and reading one when it is asked for.

Knows the value types of the format; knows nothing of keys. Runs on the caller's thread.
"""

import stat
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ollama_nb.errors import MalformedGGUF

from .cursor import Cursor

UINT32: Final = 4
INT32: Final = 5
FLOAT32: Final = 6
BOOL: Final = 7
STRING: Final = 8
ARRAY: Final = 9

SCALARS: Final = {
    0: struct.Struct("<B"),
    1: struct.Struct("<b"),
    2: struct.Struct("<H"),
    3: struct.Struct("<h"),
    UINT32: struct.Struct("<I"),
    INT32: struct.Struct("<i"),
    FLOAT32: struct.Struct("<f"),
    BOOL: struct.Struct("<?"),
    10: struct.Struct("<Q"),
    11: struct.Struct("<q"),
    12: struct.Struct("<d"),
}
Scalar = int | float | bool | str


@dataclass(frozen=True, slots=True)
class ArrayRef:
    """An array that was passed over: element type, number of elements, offset of the first."""

    type: int
    length: int
    offset: int


def read_array(path: Path, ref: ArrayRef) -> list[Scalar]:
    """Fetch the elements of an array that ``read_header`` passed over."""
    if ref.type == STRING:
        return [text.decode("utf-8", "replace") for text in read_strings(path, ref)]
    layout = SCALARS[ref.type]
    with path.open("rb", buffering=0) as file:
        cursor = _at(Cursor(file, name=path.name, size=regular_size(path)), ref.offset)
        data = cursor.take(ref.length * layout.size, "array")
    return list(struct.unpack(f"<{ref.length}{layout.format[-1]}", data))


def read_strings(path: Path, ref: ArrayRef) -> list[bytes]:
    """Fetch the elements of a string array as the bytes that llama.cpp will see."""
    with path.open("rb", buffering=0) as file:
        cursor = _at(Cursor(file, name=path.name, size=regular_size(path)), ref.offset)
        return cursor.strings(ref.length, "array")


def _at(cursor: Cursor, offset: int) -> Cursor:
    cursor.skip(offset, "array")
    return cursor


def regular_size(path: Path) -> int:
    """Ask for the size before opening: opening a pipe would block, a device never ends."""
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        raise MalformedGGUF(path.name, "is not a regular file")
    return status.st_size
