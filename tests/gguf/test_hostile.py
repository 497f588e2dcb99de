"""Whatever the bytes: an answer or MalformedGGUF, in little memory."""

import tracemalloc

import pytest
from gguf_strategies import flip, overwrite
from gguf_writer import tiny_llama
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ollama_nb.errors import MalformedGGUF
from ollama_nb.gguf import check_model, read_header

SMALL = tiny_llama(width=8, hidden=8, blocks=1).encode()
HEADER = len(SMALL) - (292 * 8 + 8 * 3 + 2 * 64 + 2 * 32 + 3 * 64) * 4
quick = settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def survives(path, data):
    path.write_bytes(data)
    tracemalloc.start()
    try:
        check_model(path)
    except MalformedGGUF:
        pass
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 4 << 20


def test_the_base_is_accepted(tmp_path):
    path = tmp_path / "base.gguf"
    path.write_bytes(SMALL)
    assert check_model(path).data_offset == HEADER


@quick
@given(data=st.binary(max_size=400))
def test_any_bytes(data, tmp_path):
    survives(tmp_path / "any.gguf", data)


@quick
@given(data=st.binary(max_size=400))
def test_any_bytes_after_a_good_beginning(data, tmp_path):
    survives(tmp_path / "begun.gguf", b"GGUF\3\0\0\0\1" + bytes(7) + b"\2" + bytes(7) + data)


@quick
@given(places=st.lists(st.integers(0, HEADER * 8 - 1), min_size=1, max_size=4))
def test_flipped_bits(places, tmp_path):
    survives(tmp_path / "flipped.gguf", flip(SMALL, places))


@quick
@given(
    place=st.integers(0, HEADER),
    number=st.sampled_from([0, 1, 255, 2**31, 2**32 - 1, 2**40, 2**61, 2**63, 2**64 - 1]),
)
def test_overwritten_numbers(place, number, tmp_path):
    survives(tmp_path / "overwritten.gguf", overwrite(SMALL, place, number))


def test_every_prefix_is_refused(tmp_path):
    """Cut byte by byte through the numbers and the tensor list, in steps through the rest."""
    path = tmp_path / "cut.gguf"
    path.write_bytes(SMALL)
    tensors = SMALL.find(b"token_embd.weight")
    cuts = {*range(600), *range(tensors - 50, HEADER + 40), *range(0, len(SMALL), 37)}
    for length in sorted({len(SMALL) - 1, *cuts}, reverse=True):
        with path.open("r+b") as file:
            file.truncate(length)
        with pytest.raises(MalformedGGUF):
            read_header(path)
