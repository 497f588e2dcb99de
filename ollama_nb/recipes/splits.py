"""GGUF files that are parts of one model: told by their metadata, made one file (models, 7.2).

llama.cpp finds the parts of a set by their file names, which blobs do not have; and no gate would
have seen those that it opens by itself.
"""

import re
import struct
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO

from ollama_nb.errors import BadRequest, Cancelled
from ollama_nb.gguf import Header
from ollama_nb.store.disk import storing

from .copying import copied, write_all

Piece = bytes | tuple[Header, range]
"""What a file is written of: bytes, or those at a place of another one."""

_PATTERN = re.compile(r"(.+)-([0-9]{5})-of-([0-9]{5})\.gguf")
_PREAMBLE = struct.Struct("<4sIQQ")
_OWN_KEYS = ("split.no", "split.count", "split.tensors.count")


def find_splits(headers: Mapping[str, Header]) -> list[list[str]]:
    """The sets among files, each as its file names in order. Raises BadRequest for a broken one."""
    sets: dict[tuple[str, int], dict[int, str]] = {}
    for name, header in headers.items():
        count = header.metadata.get("split.count", 0)
        if not isinstance(count, int) or count < 2:
            continue
        prefix, index = _place(name, header, count)
        parts = sets.setdefault((prefix, count), {})
        if index in parts:
            raise BadRequest(f"split GGUF has duplicate shard index {index}")
        parts[index] = name
    for (prefix, count), parts in sets.items():
        if len(parts) != count:
            raise BadRequest(f'split GGUF "{prefix}" has {len(parts)} shards, expected {count}')
    return [[parts[index] for index in sorted(parts)] for parts in sets.values()]


def _place(name: str, header: Header, count: int) -> tuple[str, int]:
    """The set's prefix and the file's index in it, from 0."""
    match = _PATTERN.fullmatch(name)
    if match is None:
        raise BadRequest(f'split GGUF "{name}" must use llama.cpp split filename pattern')
    prefix, number, of = match[1], int(match[2]), int(match[3])
    if of != count:
        raise BadRequest(
            f'split GGUF "{name}" filename count {of} does not match metadata count {count}'
        )
    index = header.metadata.get("split.no")
    if not isinstance(index, int):
        raise BadRequest(f'split GGUF "{name}" is missing split.no metadata')
    if number - 1 != index:
        raise BadRequest(
            f'split GGUF "{name}" filename index {number - 1} does not match metadata index {index}'
        )
    return prefix, index


def merge(parts: Sequence[Header], target: Path, stop: threading.Event) -> None:
    """Write the model of a set as one file: the first part's metadata, and everybody's tensors.

    Bytes are copied as they are; what they mean is the gate's to judge. Raises MalformedGGUF for a
    part that became shorter, StoreError, and Cancelled once ``stop`` is set.
    """
    with storing(), target.open("wb", buffering=0) as file:
        for piece in _pieces(parts):
            for _ in _written(piece, file):
                if stop.is_set():
                    raise Cancelled


def _written(piece: Piece, file: BinaryIO) -> Iterator[int]:
    if isinstance(piece, bytes):
        write_all(file, memoryview(piece))
        return
    header, span = piece
    try:
        yield from copied(header.path, span.start, len(span), file)
    except EOFError:
        header.refuse("became shorter while it was copied")


def _pieces(parts: Sequence[Header]) -> Iterator[Piece]:
    """The file from its beginning to its end."""
    first = parts[0]
    spans = [span for key, span in first.spans.items() if key not in _OWN_KEYS]
    infos = list(_tensor_infos(parts))
    head = _PREAMBLE.pack(b"GGUF", first.version, len(infos), len(spans))
    yield head
    for span in spans:
        yield first, span
    yield from infos
    size = len(head) + sum(map(len, spans)) + sum(map(len, infos))
    yield bytes(-size % first.alignment)
    for part in parts:
        for tensor in part.tensors:
            begin = part.data_offset + tensor.offset
            yield part, range(begin, begin + tensor.size_bytes)
            yield bytes(-tensor.size_bytes % first.alignment)


def _tensor_infos(parts: Sequence[Header]) -> Iterator[bytes]:
    """Name, shape, type and place of each tensor, in the first part's alignment."""
    alignment, offset = parts[0].alignment, 0
    for tensor in (tensor for part in parts for tensor in part.tensors):
        name, shape = tensor.name.encode(), tensor.shape
        yield struct.pack(
            f"<Q{len(name)}sI{len(shape)}QIQ",
            len(name), name, len(shape), *shape, tensor.type.id, offset,
        )  # fmt: skip
        offset += tensor.size_bytes + -tensor.size_bytes % alignment
