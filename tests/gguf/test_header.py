"""read_header: what it returns, and every fault of the file as such."""

import os
import struct

import gguf_writer as writer
import pytest
from gguf_strategies import files
from gguf_writer import SMALLEST, File, Tensor, array, flag, text, tiny_llama, u32
from hypothesis import HealthCheck, given, settings

from ollama_nb.errors import MalformedGGUF, OllamaError
from ollama_nb.gguf import ArrayRef, read_header
from ollama_nb.gguf.types import FILE_TYPE_NAMES, TENSOR_TYPES, parameter_size


@pytest.fixture
def write(tmp_path):
    def to_disk(content):
        path = tmp_path / "model.gguf"
        path.write_bytes(content.encode() if isinstance(content, File) else content)
        return path

    return to_disk


def refused(path, fault):
    with pytest.raises(MalformedGGUF) as caught:
        read_header(path)
    assert fault in str(caught.value)
    assert str(caught.value).startswith(f"failed to load model: {path.name}: ")


def test_the_smallest_file_has_68_bytes_and_is_read(write):
    assert len(SMALLEST) == 68
    header = read_header(write(SMALLEST))
    assert header.metadata == {"general.architecture": "test"}
    assert (header.version, header.alignment, header.tensors) == (3, 32, ())
    assert (header.data_offset, header.file_size) == (68, 68)
    assert (header.parameter_size, header.file_type_name) == ("0", "unknown")
    assert header.chat_template is None


def test_header_of_a_model(write):
    file = tiny_llama().set(general__file_type=u32(7), tokenizer__chat_template=text("{{ x }}"))
    header = read_header(write(file))
    assert header.architecture == "llama"
    assert header.get("block_count") == header.get("llama.block_count") == 2
    assert header.get("general.name") == "tiny"
    assert header.get("nothing") is None
    assert header.file_type_name == "Q8_0"
    assert header.chat_template == "{{ x }}"
    assert header.parameter_count == 292 * 64 + 2 * (3 * 64 * 128 + 3 * 64 * 64 + 128) + 64
    first = header.tensors[0]
    assert (first.name, first.shape, first.type.name) == ("token_embd.weight", (64, 292), "F32")
    assert header.data_offset % 32 == 0
    last = header.tensors[-1]
    assert header.data_offset + last.offset + last.size_bytes == header.file_size


def test_arrays_stay_in_the_file_until_asked_for(write):
    header = read_header(write(tiny_llama()))
    ref = header.metadata["tokenizer.ggml.tokens"]
    assert isinstance(ref, ArrayRef)
    assert ref.length == 292
    assert header.read_array(ref)[288:] == ["<s>", "</s>", "<pad>", "<unk>"]
    assert header.read_array(header.metadata["tokenizer.ggml.token_type"])[-5:] == [1, 3, 3, 3, 3]


def test_strings_across_windows(write):
    words = [("w" * (n % 3000)) for n in range(2000)]
    file = File({"a": array(writer.STRING, words), "b": u32(7)})
    header = read_header(write(file))
    assert header.metadata["b"] == 7
    assert header.read_array(header.metadata["a"]) == words


def test_a_template_larger_than_a_window(write):
    file = File({"tokenizer.chat_template": text("x" * (3 << 20)), "b": u32(7)})
    assert read_header(write(file)).metadata["b"] == 7


def test_text_that_is_not_utf8_is_replaced(write):
    file = File({"general.name": text(b"\xff!"), "l": array(writer.STRING, [b"\xc3", "b"])})
    header = read_header(write(file))
    assert header.metadata["general.name"] == "\ufffd!"
    assert header.read_array(header.metadata["l"]) == ["\ufffd", "b"]


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(file=files())
def test_what_is_written_is_read(file, tmp_path):
    path = tmp_path / "random.gguf"
    path.write_bytes(file.encode())
    header = read_header(path)
    assert (header.version, header.alignment) == (file.version, file.alignment)
    assert header.metadata.keys() == file.metadata.keys()
    for key, value in file.metadata.items():
        found = header.metadata[key]
        if isinstance(found, ArrayRef):
            assert (found.type, found.length) == (value.element, len(value.data))
            found = header.read_array(found)
        assert found == value.data
    assert [(t.name, t.shape) for t in header.tensors] == [
        (t.name, tuple(t.shape)) for t in file.tensors
    ]


@pytest.mark.parametrize("version", [2, 3])
def test_versions_2_and_3_are_read(write, version):
    assert read_header(write(File(version=version))).version == version


@pytest.mark.parametrize("version", [0, 1, 4, 99])
def test_other_versions_are_refused(write, version):
    refused(write(File(version=version)), f"version {version} is not supported")


@pytest.mark.parametrize("swapped", [1 << 24, 2 << 24, 3 << 24])
def test_a_big_endian_file_is_named(write, swapped):
    refused(write(File(version=swapped)), "big-endian")


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"", "is 0 bytes long"),
        (b"GGU", "is 3 bytes long"),
        (b"GGUF", "version: 4 bytes at offset 4, the file ends before"),
        (b"FUGG\0\0\0\3", "big-endian"),
        (b"<!DOCTYPE html>", "web page"),
        (b"PK\3\4....", "ZIP"),
        (b"version https://git-lfs", "Git LFS"),
        (b"tjgg\1\0\0\0", "GGJT"),
        (b"ELF.....", "does not begin with GGUF"),
    ],
)
def test_other_files_are_named(write, content, fault):
    refused(write(content), fault)


@pytest.mark.parametrize("count", [1, 70_000, 1 << 31, 1 << 61, (1 << 64) - 1])
def test_counts_beyond_the_file(write, count):
    refused(write(File(num_keys=count)), "keys")
    refused(write(File(num_tensors=count)), "tensors")


@pytest.mark.parametrize("length", [1, 4 << 20, 1 << 40, 1 << 61, (1 << 64) - 1])
@pytest.mark.parametrize("kind", [writer.UINT8, writer.UINT32, writer.STRING, writer.FLOAT64])
def test_array_length_beyond_the_file(write, kind, length):
    head = b"GGUF" + struct.pack("<IQQQ", 3, 0, 1, 1) + b"k"
    refused(write(head + struct.pack("<IIQ", 9, kind, length)), "elements of 'k'")


@pytest.mark.parametrize("length", [5, 1 << 25, 1 << 62, (1 << 64) - 1])
def test_string_length_beyond_the_file(write, length):
    head = b"GGUF" + struct.pack("<IQQQ", 3, 0, 1, 1) + b"k"
    refused(write(head + struct.pack("<IQ", 8, length) + b"abcd"), "k: ")
    array_of_one = struct.pack("<IIQQ", 9, 8, 1, length) + b"abcd"
    refused(write(head + array_of_one), "k: ")
    refused(
        write(b"GGUF" + struct.pack("<IQQQ", 3, 0, 1, max(length, 14)) + b"x" * 13), "name of key 0"
    )


def test_unknown_value_and_element_types(write):
    head = b"GGUF" + struct.pack("<IQQQ", 3, 0, 1, 1) + b"k"
    refused(write(head + struct.pack("<II", 13, 0)), "unknown value type 13")
    refused(write(head + struct.pack("<IIQ", 9, 9, 0)), "unsupported element type 9")


def test_a_key_twice(write):
    refused(write(File({"k": u32(1)}, extra_keys=[("k", u32(2))])), "key 'k' occurs twice")


@pytest.mark.parametrize("key", [b"", b"llama.block_count\0x", b"\xff"])
def test_key_names_that_deceive(write, key):
    refused(write(File({key: u32(1)})), "name")


@pytest.mark.parametrize("alignment", [0, 1, 3, 4, 48, 8192, 1 << 31])
def test_alignment_is_a_power_of_two_from_8_to_4096(write, alignment):
    file = File({"general.alignment": u32(alignment)}, [Tensor("t", (4,))])
    refused(write(file), f"general.alignment {alignment}")


def test_alignment_of_another_type(write):
    refused(write(File({"general.alignment": text("32")})), "general.alignment is not")


@pytest.mark.parametrize("alignment", [8, 64, 4096])
def test_other_alignments_are_read(write, alignment):
    tensors = [Tensor("a", (3,)), Tensor("b", (5,))]
    header = read_header(
        write(File({"general.alignment": u32(alignment)}, tensors, alignment=alignment))
    )
    assert header.alignment == alignment
    assert header.data_offset % alignment == 0


@pytest.mark.parametrize(
    ("tensor", "fault"),
    [
        (Tensor("t", (1, 1, 1, 1, 1)), "5 dimensions"),
        (Tensor("t", (4, 0)), "dimension of 0"),
        (Tensor("t", (1 << 32, 1 << 32), data=b""), "too large"),
        (Tensor("t", (1 << 63,), data=b""), "too large"),
        (Tensor("t", ((1 << 64) - 1,) * 4, data=b""), "too large"),
        (Tensor("t", (1 << 61,), data=b""), "too large"),
        (Tensor("t", (1 << 40,), data=b""), "beyond the file"),
        (Tensor("t", (4,), type=5), "unknown type"),
        (Tensor("t", (4,), type=31), "unknown type"),
        (Tensor("t", (4,), type=43), "unknown type"),
        (Tensor("t", (4,), type=1 << 31), "unknown type"),
        (Tensor("t", (48,), type=8), "rows of 48 do not divide into Q8_0 blocks"),
        (Tensor("t", (128,), type=12), "Q4_K"),
        (Tensor("t", (4,), offset=32), "beyond the file"),
        (Tensor("t", (4,), offset=(1 << 64) - 32), "beyond the file"),
        (Tensor("t", (4,), offset=4), "not aligned"),
        (Tensor("", (4,)), "empty name"),
        (Tensor("t" * 64, (4,)), "a string of 64 bytes"),
        (Tensor(b"t\0u", (4,)), "NUL"),
        (Tensor(b"\xff", (4,)), "not UTF-8"),
    ],
)
def test_tensors_that_cannot_be(write, tensor, fault):
    refused(write(File(tensors=[tensor])), fault)


def test_tensors_over_each_other_and_of_one_name(write):
    one = Tensor("a", (16,))
    refused(write(File(tensors=[one, Tensor("b", (16,), offset=32)])), "'b' overlaps another")
    refused(write(File(tensors=[one, Tensor("b", (16,), offset=0)])), "overlaps another")
    refused(write(File(tensors=[one, Tensor("a", (16,))])), "'a' occurs twice")


def test_a_tensor_without_dimensions_has_one_element(write):
    assert read_header(write(File(tensors=[Tensor("t", ())]))).parameter_count == 1


def test_empty_arrays_are_read(write):
    file = File({"s": array(writer.STRING, []), "i": array(writer.INT32, [])})
    header = read_header(write(file))
    assert [header.read_array(ref) for ref in header.metadata.values()] == [[], []]


def test_bytes_after_the_tensors_are_allowed(write):
    read_header(write(tiny_llama().encode() + b"trailing"))


def test_a_header_beyond_the_limit_is_not_walked(tmp_path):
    path = tmp_path / "sparse.gguf"
    head = b"GGUF" + struct.pack("<IQQ", 3, 0, 9)
    with path.open("wb") as file:
        for number in range(9):
            key = struct.pack("<Q", 1) + str(number).encode()
            file.write((head if number == 0 else b"") + key + struct.pack("<IIQ", 9, 0, 64 << 20))
            file.seek(64 << 20, 1)
        file.truncate(1 << 30)
    refused(path, "the header is larger than")


def test_a_directory_a_pipe_and_a_missing_file(tmp_path):
    refused(tmp_path, "not a regular file")
    os.mkfifo(tmp_path / "pipe")
    refused(tmp_path / "pipe", "not a regular file")
    with pytest.raises(FileNotFoundError):
        read_header(tmp_path / "nothing")


def test_a_file_that_shrank_is_refused_not_fatal(write):
    path = write(tiny_llama())
    header = read_header(path)
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(MalformedGGUF):
        header.read_array(header.metadata["tokenizer.ggml.token_type"])


def test_the_error_is_ours_and_has_a_status(write):
    with pytest.raises(OllamaError) as caught:
        read_header(write(b"x"))
    assert caught.value.status == 500


@pytest.mark.parametrize(
    ("count", "shown"),
    [
        (0, "0"),
        (999, "999"),
        (1000, "1K"),
        (93_504, "94K"),
        (6_100_000, "6.10M"),
        (7_000_000, "7M"),
        (8_030_261_248, "8.0B"),
        (2_000_000_000, "2B"),
    ],
)
def test_parameter_size(count, shown):
    assert parameter_size(count) == shown


def test_the_type_table_agrees_with_the_gguf_package():
    constants = pytest.importorskip("gguf.constants")
    for kind in constants.GGMLQuantizationType:
        ours = TENSOR_TYPES[int(kind)]
        assert (ours.name, (ours.block_size, ours.type_size)) == (
            kind.name,
            constants.GGML_QUANT_SIZES[kind],
        )
    for kind in constants.LlamaFileType:
        if 0 < kind < 1024:
            name = kind.name.removeprefix("MOSTLY_").removesuffix("_MOE")
            assert FILE_TYPE_NAMES[int(kind)] == name


@pytest.mark.parametrize(
    ("changes", "pooling"),
    [
        ({}, None),
        ({"llama.pooling_type": u32(3)}, 3),
        ({"llama.attention.causal": flag(False)}, 1),
        ({"llama.attention.causal": flag(True)}, None),
        ({"general.architecture": text("bert")}, 1),
    ],
)
def test_what_a_model_is_made_for(write, changes, pooling):
    file = tiny_llama()
    for key, value in changes.items():
        file.put(key, value)
    assert read_header(write(file)).pooling == pooling
