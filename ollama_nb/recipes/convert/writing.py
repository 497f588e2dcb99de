"""A GGUF file written from its beginning to its end, one piece of a tensor after the other.

The `gguf` package writes the header; the numbers follow in pieces, so that memory stays small and
the work can be stopped between any two. What fills gaps is zeros.
"""

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, Final

import numpy as np
from gguf import GGMLQuantizationType as Type
from gguf import GGUFWriter

from ollama_nb.errors import Cancelled, MalformedSafetensors, Unconvertible
from ollama_nb.recipes.copying import copied, write_all

from .outputs import Output, size_of
from .safetensors import Tensor

MAX_NAME: Final = 63
"""Longer names llama.cpp does not take."""
MAX_DIMENSIONS: Final = 4
Progress = Callable[[int, int], None]


def write(
    writer: GGUFWriter,
    target: Path,
    outputs: Sequence[Output],
    *,
    single: bool,
    progress: Progress,
    stop: threading.Event,
) -> None:
    """Write metadata and tensors. ``progress`` gets the bytes of tensors written, and of all.

    Raises Unconvertible, OSError, and Cancelled soon after ``stop`` is set.
    """
    types = [output.type(single=single) for output in outputs]
    _write_header(writer, target, outputs, types)
    total = sum(output.count * size_of(type) for output, type in zip(outputs, types, strict=True))
    done = 0
    progress(done, total)
    with target.open("r+b", buffering=0) as file:
        file.seek(0, os.SEEK_END)
        for output, type in zip(outputs, types, strict=True):
            _pad(file, writer.data_alignment)
            for count in _written(output, type, file):
                done += count
                progress(done, total)
                if stop.is_set():
                    raise Cancelled
        _pad(file, writer.data_alignment)


def _written(output: Output, type: Type, file: BinaryIO) -> Iterator[int]:
    """Write a tensor; yield the bytes of each piece."""
    if tensors := output.unchanged(type):
        for tensor in tensors:
            yield from _copied(tensor, file)
        return
    for piece in output.pieces(type):
        write_all(file, piece.data.cast("B"))
        yield piece.nbytes


def _copied(tensor: Tensor, file: BinaryIO) -> Iterator[int]:
    try:
        yield from copied(tensor.path, tensor.offset, tensor.size_bytes, file)
    except EOFError:
        raise MalformedSafetensors(tensor.path.name, f"tensor '{tensor.name}' is cut off") from None


def _write_header(
    writer: GGUFWriter, target: Path, outputs: Sequence[Output], types: Sequence[Type]
) -> None:
    for output, type in zip(outputs, types, strict=True):
        if len(output.name) > MAX_NAME or len(output.shape) > MAX_DIMENSIONS:
            raise Unconvertible.tensor(output.name, "has too long a name or too many dimensions")
        if not output.count:
            raise Unconvertible.tensor(output.name, "is empty")
        size = output.count * size_of(type)
        writer.add_tensor_info(output.name, output.shape, np.dtype("<f4"), size, type)
    try:
        writer.write_header_to_file(target)
        writer.write_kv_data_to_file()
        writer.write_ti_data_to_file()
    except UnicodeEncodeError as error:
        raise Unconvertible.tokenizer_format("a text is no Unicode") from error
    finally:
        writer.close()


def _pad(file: BinaryIO, alignment: int) -> None:
    write_all(file, memoryview(bytes(-file.tell() % alignment)))
