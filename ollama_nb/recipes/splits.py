"""GGUF files that are parts of one model: told by their metadata, made one file (models, 7.2).

llama.cpp finds the parts of a set by their file names, which blobs do not have; and no gate would
have seen those that it opens by itself.
"""

import re
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

import gguf

from ollama_nb.errors import BadRequest, Cancelled
from ollama_nb.gguf import ArrayRef, Header, read_header
from ollama_nb.store.disk import storing

_PATTERN = re.compile(r"(.+)-([0-9]{5})-of-([0-9]{5})\.gguf")
_MOST_ELEMENTS = 1 << 20
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


def merge(parts: Mapping[str, Path], target: Path, stop: threading.Event) -> None:
    """Write the model of a set as one file: the first part's metadata, and everybody's tensors.

    Raises BadRequest for what cannot be joined, StoreError, and Cancelled once ``stop`` is set.
    """
    first, *_ = parts.values()
    _check_arrays(read_header(first))
    try:
        with storing():
            _write([gguf.GGUFReader(path) for path in parts.values()], first, target, stop)
    except ValueError as error:  # texts that are none, a name twice: what the gate cannot know
        raise BadRequest(f"split GGUF cannot be joined: {error}") from None


def _check_arrays(header: Header) -> None:
    """The reader makes objects of every element."""
    refs = [value for value in header.metadata.values() if isinstance(value, ArrayRef)]
    if sum(ref.length for ref in refs) > _MOST_ELEMENTS:
        raise BadRequest("split GGUF has too much metadata to be joined")


def _write(
    readers: Sequence[gguf.GGUFReader], first: Path, target: Path, stop: threading.Event
) -> None:
    writer = gguf.GGUFWriter(target, read_header(first).architecture)
    for field in readers[0].fields.values():
        if field.name.startswith("GGUF.") or field.name in ("general.architecture", *_OWN_KEYS):
            continue
        if field.name == "general.alignment":
            writer.data_alignment = field.contents()
        kind = field.types[0]
        inner = field.types[-1] if kind == gguf.GGUFValueType.ARRAY else None
        writer.add_key_value(field.name, field.contents(), kind, sub_type=inner)
    tensors = [tensor for reader in readers for tensor in reader.tensors]
    for tensor in tensors:
        data = tensor.data
        writer.add_tensor_info(tensor.name, data.shape, data.dtype, data.nbytes, tensor.tensor_type)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    for tensor in tensors:
        if stop.is_set():
            raise Cancelled
        writer.write_tensor_data(tensor.data)
    writer.close()
