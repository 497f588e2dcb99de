"""Safetensors headers: what is right is read as it is, anything else is an error."""

import json
import os
import time
import tracemalloc

import numpy as np
import pytest
import safetensors.numpy
from checkpoints import files_of
from hypothesis import given
from hypothesis import strategies as st

from ollama_nb.errors import MalformedSafetensors, Unconvertible
from ollama_nb.recipes.convert import Checkpoint
from ollama_nb.recipes.convert.safetensors import MAX_HEADER, read_tensors

_NUMPY = {"F16": np.float16, "F32": np.float32}


def written(path, header, data=b"", *, length=None):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    size = len(text) if length is None else length
    path.write_bytes(size.to_bytes(8, "little") + text + data)
    return path


def entry(dtype="F32", shape=(2,), offsets=(0, 8)):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": list(offsets)}


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    return tmp_path_factory.mktemp("safetensors") / "model.safetensors"


@given(
    st.dictionaries(
        st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter("__metadata__".__ne__),
        st.tuples(st.sampled_from(sorted(_NUMPY)), st.lists(st.integers(0, 5), max_size=4)),
        max_size=6,
    )
)
def test_what_others_write_is_read(file, wanted):
    draw = np.random.default_rng(0)
    tensors = {
        name: draw.standard_normal(shape).astype(_NUMPY[dtype])
        if shape
        else np.array(1.5, _NUMPY[dtype])
        for name, (dtype, shape) in wanted.items()
    }
    safetensors.numpy.save_file(tensors, file, metadata={"format": "pt", "more": '{"a": {}}'})
    found = {tensor.name: tensor for tensor in read_tensors(file, "model.safetensors")}
    assert found.keys() == tensors.keys()
    for name, tensor in found.items():
        assert tensor.shape == tensors[name].shape
        assert np.array_equal(tensor.read(), tensors[name].reshape(-1))
        if tensors[name].size > 2:
            assert np.array_equal(tensor.read(1, 2), tensors[name].reshape(-1)[1:3])


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=12,
)
_entries = st.fixed_dictionaries(
    {
        "dtype": st.sampled_from(["F32", "F16", "BF16", "F8_E4M3", "F4", "?"]) | _json,
        "shape": st.lists(st.integers(-2, 1 << 70), max_size=10) | _json,
        "data_offsets": st.lists(st.integers(-2, 1 << 70), max_size=3) | _json,
    }
)


def agrees_with_the_original(file):
    """Read it; what we take, Hugging Face's reader takes too."""
    try:
        found = read_tensors(file, "model.safetensors")
    except MalformedSafetensors:
        return
    with safetensors.safe_open(file, "numpy") as opened:
        assert set(opened.keys()) == {tensor.name for tensor in found}
        assert sum(tensor.size_bytes for tensor in found) <= file.stat().st_size


@given(st.dictionaries(st.text(max_size=5), _entries | _json, max_size=4), st.binary(max_size=40))
def test_any_header_is_read_or_refused(file, header, data):
    written(file, header, data)
    agrees_with_the_original(file)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(file, data):
    file.write_bytes(data)
    agrees_with_the_original(file)


@given(st.integers(0, 400), st.integers(0, 255), st.integers(0, 400))
def test_a_damaged_file_is_read_or_refused(file, place, value, cut):
    written(file, {"a": entry(), "b": entry("F16", (2, 3), (8, 20))}, bytes(20))
    data = bytearray(file.read_bytes())
    if place < len(data):
        data[place] = value
    file.write_bytes(data[: len(data) - cut if cut < 200 else None])
    agrees_with_the_original(file)


@pytest.mark.parametrize(
    ("header", "data", "length", "message"),
    [
        (b"", b"", None, "invalid safetensors header"),
        (b"", b"", 1 << 62, "do not hold it"),
        (b"{}", b"", 3, "do not hold it"),
        (b"[]", b"", None, "invalid safetensors header"),
        (b"\xff{}", b"", None, "invalid safetensors header"),
        (b'{"a":' * 100_000, b"", None, "invalid safetensors header"),
        ({"a": entry()}, bytes(4), None, "end at"),
        ({"a": entry()}, bytes(9), None, "end at"),
        ({"a": entry(offsets=(4, 12))}, bytes(12), None, "not where and as long as"),
        ({"a": entry(), "b": entry(offsets=(4, 12))}, bytes(12), None, "not where and as"),
        ({"a": entry(), "b": entry(offsets=(0, 8))}, bytes(8), None, "not where and as"),
        ({"a": entry(shape=(3,))}, bytes(8), None, "not where and as long as"),
        ({"a": entry(shape=(1 << 62, 1 << 62))}, bytes(8), None, "not where and as long as"),
        ({"a": entry(shape=(-1, -2))}, bytes(8), None, "has the shape"),
        ({"a": entry(shape=(1,) * 9, offsets=(0, 4))}, bytes(4), None, "length <= 8"),
        ({"a": entry(dtype="Q4")}, bytes(8), None, "unknown type 'Q4'"),
        ({"a": entry(shape=(float("nan"),))}, bytes(8), None, "invalid safetensors header"),
        ({"a": entry(shape=(2.5,))}, bytes(8), None, "invalid safetensors header"),
        ({"a": {}}, b"", None, "unknown type ''"),
        ({"a": None}, b"", None, "invalid safetensors header"),
    ],
)
def test_each_lie_is_named(tmp_path, header, data, length, message):
    path = written(tmp_path / "x", header, data, length=length)
    with pytest.raises(MalformedSafetensors, match=message):
        read_tensors(path, "model.safetensors")


FLOODS = {
    "entries": lambda: b"{" + b",".join(b'"%d":{}' % n for n in range(900_000)) + b"}",
    "shape": lambda: b'{"a":{"shape":[' + b"1," * 5_000_000 + b"1]}}",
    "depth": lambda: b'{"a":' + b"[" * 10_000_000 + b"]" * 5_000_000,
    "texts": lambda: (
        b'{"__metadata__":{' + b",".join(b'"%d":"x"' % n for n in range(800_000)) + b"}}"
    ),
    "length": lambda: b" " * MAX_HEADER + b"{}",
}


@pytest.mark.parametrize("kind", FLOODS)
def test_a_flood_costs_little(tmp_path, kind):
    path = written(tmp_path / "x", FLOODS[kind]())
    began = time.process_time()
    tracemalloc.start()
    try:
        read_tensors(path, "x")
    except MalformedSafetensors:
        pass
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 300 << 20
    assert time.process_time() - began < 10


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir], ids=["pipe", "folder"])
def test_what_is_no_file_is_refused_at_once(tmp_path, make):
    make(tmp_path / "model.safetensors")
    files = Checkpoint({"model.safetensors": tmp_path / "model.safetensors"})
    with pytest.raises(MalformedSafetensors):
        files.tensors()


def test_a_file_that_shrinks_is_an_error(tmp_path):
    [tensor] = read_tensors(written(tmp_path / "x", {"a": entry()}, bytes(8)), "x")
    os.truncate(tmp_path / "x", 60)
    with pytest.raises(MalformedSafetensors, match="cut off"):
        tensor.read()


@pytest.mark.parametrize("dtype", ["F64", "I64", "F8_E4M3", "BOOL"])
def test_other_types_are_refused_when_they_are_needed(tmp_path, dtype):
    size = {"F64": 16, "I64": 16}.get(dtype, 2)
    header = {"a": entry(dtype, offsets=(0, size))}
    [tensor] = read_tensors(written(tmp_path / "x", header, bytes(size)), "x")
    with pytest.raises(Unconvertible, match=f"tensor 'a': unknown data type: {dtype}"):
        tensor.read()


def test_one_name_in_two_files_is_an_error(tmp_path):
    for name in ("1.safetensors", "2.safetensors"):
        written(tmp_path / name, {"a": entry()}, bytes(8))
    with pytest.raises(
        Unconvertible, match=r"^duplicate tensor name 'a' was found for this model$"
    ):
        files_of(tmp_path).tensors()


def test_no_file_of_tensors_is_an_error(tmp_path):
    path = tmp_path / "pytorch_model.bin"
    path.write_bytes(b"PK")
    with pytest.raises(Unconvertible, match=r"^unknown tensor format$"):
        Checkpoint({path.name: path}).tensors()
