"""A cursor over the head of a file: small windows, every length checked before it is believed.

Knows bytes and bounds; knows nothing of GGUF keys. The file is read, not mapped: a mapped file
that another process truncates kills the reader with SIGBUS, a read only comes back short. Memory
stays at one window however large the file or the lengths it declares. Runs on the caller's thread.
"""

import struct
from typing import BinaryIO, Final, NoReturn

from ollama_nb.errors import MalformedGGUF

MAX_STRING: Final = 16 << 20
MAX_HEADER: Final = 512 << 20

_WINDOW: Final = 1 << 20
_U64: Final = struct.Struct("<Q")


class Cursor:
    """Reads little-endian values in order and refuses whatever the file cannot hold."""

    def __init__(self, file: BinaryIO, *, name: str, size: int) -> None:
        self._file = file
        self._name = name
        self._size = size
        self._base = 0
        self._window = b""
        self._position = 0

    @property
    def offset(self) -> int:
        """Where the next read starts, from the beginning of the file."""
        return self._base + self._position

    @property
    def remaining(self) -> int:
        """How many bytes of the file lie ahead."""
        return self._size - self.offset

    def fail(self, fault: str) -> NoReturn:
        """Refuse the file."""
        raise MalformedGGUF(self._name, fault)

    def skip(self, count: int, what: str) -> None:
        """Pass over ``count`` bytes, which the file must hold."""
        if count > self.remaining:
            self.fail(f"{what}: {count} bytes at offset {self.offset}, the file ends before")
        self._position += count
        if self.offset > MAX_HEADER:
            self.fail(f"the header is larger than {MAX_HEADER} bytes")

    def take(self, count: int, what: str) -> bytes:
        """Read ``count`` bytes."""
        self._fill(count, what)
        start = self._position
        self.skip(count, what)
        return self._window[start : start + count]

    def number(self, layout: struct.Struct, what: str) -> int:
        """Read one value of a one-value layout (a float comes back as float)."""
        self._fill(layout.size, what)
        value: int = layout.unpack_from(self._window, self._position)[0]
        self.skip(layout.size, what)
        return value

    def string(self, what: str, *, limit: int = MAX_STRING) -> bytes:
        """Read a length and that many bytes."""
        length = self.number(_U64, what)
        if length > limit:
            self.fail(f"{what}: a string of {length} bytes, the limit is {limit}")
        return self.take(length, what)

    def skip_strings(self, count: int, what: str) -> None:
        """Pass over ``count`` strings; only their lengths are looked at.

        Lengths inside a window need no check of their own: they only move the position forward,
        so a lie shows as a position beyond the window. 408,000 strings (8.8 MB) take 21 ms.
        """
        unpack = _U64.unpack_from
        while count:
            self._fill(_U64.size, what)
            window = self._window
            position = self._position
            length = passed = 0
            try:
                for passed in range(count):  # noqa: B007 - how far it came is what is wanted
                    (length,) = unpack(window, position)
                    position += 8 + length
                passed = count
            except (struct.error, OverflowError):  # beyond the window
                pass
            count -= passed
            if length > MAX_STRING:
                self.fail(f"{what}: a string of {length} bytes, the limit is {MAX_STRING}")
            self.skip(position - self._position, what)

    def strings(self, count: int, what: str) -> list[bytes]:
        """Read ``count`` strings."""
        unpack = _U64.unpack_from
        texts: list[bytes] = []
        append = texts.append
        while count:
            window = self._window
            position = self._position
            size = len(window)
            last = size - _U64.size
            while count and position <= last:
                start = position + 8
                end = start + unpack(window, position)[0]
                if end > size:
                    break
                append(window[start:end])
                position = end
                count -= 1
            self._position = position
            if count:
                texts.append(self.string(what))
                count -= 1
        return texts

    def _fill(self, count: int, what: str) -> None:
        """Make ``count`` bytes available at the position, reading a new window if need be."""
        if self._position + count <= len(self._window):
            return
        if count > self.remaining:
            self.fail(f"{what}: {count} bytes at offset {self.offset}, the file ends before")
        self._base, self._position = self.offset, 0
        self._file.seek(self._base)
        self._window = self._file.read(max(count, _WINDOW))
        if len(self._window) < count:
            self.fail(f"{what}: the file became shorter while it was read")
