"""Parts of a split model are joined byte for byte, whatever their metadata and tensors are."""

import contextlib
import threading
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from gguf_strategies import files
from gguf_writer import ARRAY, INT32, STRING, UINT8, File, Tensor, Value, text, u32
from hypothesis import given
from hypothesis import strategies as st

from ollama_nb.errors import BadRequest, Cancelled, MalformedGGUF
from ollama_nb.gguf import read_header
from ollama_nb.recipes.splits import find_splits, merge

LONG = (1 << 20) + 1
KEYS = ("split.no", "split.count", "split.tensors.count")


def part(file, number, count):
    """Make a file one of several parts."""
    file.put("split.no", Value(2, number)).put("split.count", Value(2, count))
    return file.put("split.tensors.count", Value(INT32, 0))


def written(folder, parts):
    paths = [Path(folder) / f"m-{n:05}-of-{len(parts):05}.gguf" for n in range(1, len(parts) + 1)]
    for path, file in zip(paths, parts, strict=True):
        path.write_bytes(file.encode())
    return [read_header(path) for path in paths]


def joined(folder, headers, stop=None):
    target = Path(folder) / "whole.gguf"
    merge(headers, target, stop or threading.Event())
    return read_header(target)


def contents(header):
    data = header.path.read_bytes()
    return {
        one.name: (one.type, one.shape, data[header.data_offset + one.offset :][: one.size_bytes])
        for one in header.tensors
    }


def raw_metadata(header):
    data = header.path.read_bytes()
    return [data[span.start : span.stop] for key, span in header.spans.items() if key not in KEYS]


@given(st.lists(files(), min_size=2, max_size=3), st.binary(min_size=200, max_size=200))
def test_metadata_comes_from_the_first_part_and_tensors_from_all(parts, noise):
    for number, file in enumerate(parts):
        for at, tensor in enumerate(file.tensors):
            tensor.name = f"{number}.{at}"
            tensor.data = (noise * 13)[at : at + len(tensor.payload())]
        part(file, number, len(parts))
    with TemporaryDirectory() as folder:
        headers = written(folder, parts)
        whole = joined(folder, headers)
        assert raw_metadata(whole) == raw_metadata(headers[0])
        assert contents(whole) == {
            key: value for header in headers for key, value in contents(header).items()
        }
        assert list(contents(whole)) == [one.name for header in headers for one in header.tensors]


def test_texts_that_are_none_and_long_arrays_are_copied_as_they_are(tmp_path):
    first = File({
        "odd": text(b"\xff\xfe"),
        "long": Value(ARRAY, b"x" * LONG, UINT8),
        "odd texts": Value(ARRAY, [b"\xc3", b""], STRING),
    })  # fmt: skip
    headers = written(tmp_path, [part(first, 0, 2), part(File({}, [Tensor("a", [3])]), 1, 2)])
    whole = joined(tmp_path, headers)
    assert raw_metadata(whole) == raw_metadata(headers[0])
    assert whole.metadata["long"].length == LONG


def test_a_tensor_in_two_parts_is_refused(tmp_path):
    parts = [part(File({}, [Tensor("a", [3])]), number, 2) for number in (0, 1)]
    headers = written(tmp_path, parts)
    with pytest.raises(MalformedGGUF, match="tensor 'a' occurs twice"):
        joined(tmp_path, headers)


def test_a_part_that_became_shorter_is_named(tmp_path):
    headers = written(tmp_path, [part(File({}, [Tensor(n, [8])]), ord(n) - 97, 2) for n in "ab"])
    with headers[1].path.open("r+b") as file:
        file.truncate(headers[1].data_offset)
    with pytest.raises(MalformedGGUF, match=r"m-00002-of-00002\.gguf: became shorter"):
        joined(tmp_path, headers)


def test_joining_can_be_stopped(tmp_path):
    stop = threading.Event()
    stop.set()
    headers = written(tmp_path, [part(File({}, [Tensor(n, [8])]), ord(n) - 97, 2) for n in "ab"])
    with pytest.raises(Cancelled):
        joined(tmp_path, headers, stop)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 4)), max_size=4), st.text(max_size=4))
def test_sets_are_found_or_refused(numbers, prefix):
    headers = {}
    with TemporaryDirectory() as folder:
        path = Path(folder) / "part"
        for number, count in numbers:
            path.write_bytes(part(File({"x": u32(1)}), number, count).encode())
            headers[f"{prefix}-{number + 1:05}-of-{count:05}.gguf"] = read_header(path)
    with contextlib.suppress(BadRequest):
        sets = find_splits(headers)
        assert all(len(each) > 1 and each == sorted(each) for each in sets)
