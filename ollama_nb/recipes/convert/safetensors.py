"""Safetensors files: a strict reading of their headers, and of tensors piece by piece.

As strict as Hugging Face's own reader: tensors lie one behind the other and fill the file. Data are
read and not mapped: a mapped file that another process cuts off ends this one. Knows no models.
"""

import os
import stat
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from ollama_nb.errors import MalformedSafetensors, Unconvertible

MAX_HEADER: Final = 16 << 20
MAX_TENSORS: Final = 65_536
MAX_DIMENSIONS: Final = 8
_MAX_BRACES: Final = 200_000
"""Objects are what a header can hold most of; metadata may have some in its texts."""
_LENGTH_BYTES: Final = 8

BITS: Final = {
    "F64": 64, "F32": 32, "F16": 16, "BF16": 16, "I64": 64, "I32": 32, "I16": 16, "I8": 8,
    "U64": 64, "U32": 32, "U16": 16, "U8": 8, "BOOL": 8, "C64": 64, "F8_E4M3": 8, "F8_E5M2": 8,
    "F8_E8M0": 8, "F8_E4M3FNUZ": 8, "F8_E5M2FNUZ": 8, "F6_E2M3": 6, "F6_E3M2": 6, "F4": 4,
}  # fmt: skip
"""Of every type that the format knows, the size of an element."""
STORED: Final[dict[str, np.dtype[Any]]] = {
    "F32": np.dtype("<f4"), "F16": np.dtype("<f2"), "BF16": np.dtype("<u2")
}  # fmt: skip
"""Types that can be read; bfloat16 as its bits."""


class _Entry(msgspec.Struct, frozen=True):
    """What the header says of a tensor; of ``__metadata__`` nothing is kept."""

    dtype: str = ""
    shape: Annotated[tuple[int, ...], msgspec.Meta(max_length=MAX_DIMENSIONS)] = ()
    data_offsets: Annotated[tuple[int, ...], msgspec.Meta(max_length=2)] = ()


_decoder = msgspec.json.Decoder(dict[str, _Entry])


@dataclass(frozen=True, slots=True)
class Tensor:
    """A tensor and where it lies. ``dtype`` is the format's name of its type."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    path: Path
    offset: int
    size_bytes: int

    def read(self, start: int = 0, count: int | None = None) -> NDArray[Any]:
        """Its elements from ``start`` on, flat. Raises Unconvertible."""
        stored = STORED.get(self.dtype)
        if stored is None:
            raise Unconvertible.tensor(self.name, f"unknown data type: {self.dtype}")
        if count is None:
            count = prod(self.shape) - start
        offset = self.offset + start * stored.itemsize
        try:
            data = np.fromfile(self.path, stored, count, offset=offset)
        except OSError as error:
            raise MalformedSafetensors(self.path.name, error.strerror or str(error)) from error
        if data.size != count:
            raise MalformedSafetensors(self.path.name, f"tensor '{self.name}' is cut off")
        return data


def read_tensors(path: Path, name: str) -> list[Tensor]:
    """The tensors of a file, in the order in which they lie. Raises MalformedSafetensors.

    ``name``: what the file is called in errors.
    """
    try:
        entries, start, end = _read_header(path)
        return _placed(entries, path, start, end)
    except ValueError as error:  # msgspec's are of this class, and ours
        raise MalformedSafetensors(name, f"invalid safetensors header: {error}") from error
    except OSError as error:
        raise MalformedSafetensors(name, error.strerror or str(error)) from error


def _read_header(path: Path) -> tuple[dict[str, _Entry], int, int]:
    """What it says, where data begin and where the file ends. Raises ValueError, OSError."""
    # Without O_NONBLOCK, a pipe would hold us here.
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise ValueError("not a regular file")
        prefix = file.read(_LENGTH_BYTES)
        length = int.from_bytes(prefix, "little")
        if len(prefix) < _LENGTH_BYTES or length > status.st_size - _LENGTH_BYTES:
            raise ValueError(f"{status.st_size} bytes do not hold it")
        if length > MAX_HEADER:
            raise ValueError(f"it is {length} bytes long, the limit is {MAX_HEADER}")
        text = file.read(length)
    if text.count(b"{") > _MAX_BRACES:
        raise ValueError("it has too many entries")
    try:
        entries = _decoder.decode(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    entries.pop("__metadata__", None)
    if len(entries) > MAX_TENSORS:
        raise ValueError(f"{len(entries)} tensors, the limit is {MAX_TENSORS}")
    return entries, _LENGTH_BYTES + length, status.st_size


def _placed(entries: dict[str, _Entry], path: Path, start: int, end: int) -> list[Tensor]:
    """Check that they fill the file from ``start`` to ``end`` without gaps. Raises ValueError."""
    at = start
    tensors = []
    for name, entry in sorted(entries.items(), key=lambda item: item[1].data_offsets):
        size = _size_bytes(name, entry)
        if entry.data_offsets != (at - start, at - start + size):
            raise ValueError(
                f"tensor '{name}' lies at {list(entry.data_offsets)}, which is not where and as "
                f"long as it must be: [{at - start}, {at - start + size}]"
            )
        tensors.append(Tensor(name, entry.dtype, entry.shape, path, at, size))
        at += size
    if at != end:
        raise ValueError(f"its tensors end at {at} and the file at {end}")
    return tensors


def _size_bytes(name: str, entry: _Entry) -> int:
    bits = BITS.get(entry.dtype)
    if bits is None:
        raise ValueError(f"tensor '{name}' is of the unknown type {entry.dtype[:40]!r}")
    if any(size < 0 for size in entry.shape):
        raise ValueError(f"tensor '{name}' has the shape {list(entry.shape)}")
    return -(-prod(entry.shape) * bits // 8)
