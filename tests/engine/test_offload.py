"""How many layers go to which GPU, by hand; and what llama.cpp is told."""

import json
import subprocess
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from ollama_nb.engine import devices
from ollama_nb.engine.native import context, library, model
from ollama_nb.engine.native.devices import free_memory
from ollama_nb.engine.offload import Gpus, plan_offload
from ollama_nb.errors import EngineError, LoadFailed

MIB = 1 << 20
KEPT = 512 * MIB


def gpus(*rooms, **more):
    return Gpus(tuple(KEPT + room * MIB for room in rooms), **more)


def plan(blocks, output, *rooms, work=0, wanted=-1, **more):
    sizes = [block * MIB for block in blocks]
    return plan_offload(sizes, output * MIB, work * MIB, gpus(*rooms, **more), wanted)


def test_without_a_gpu_nothing_goes_anywhere():
    assert plan([1, 1], 1) == (0, 0, None)
    assert plan([1, 1], 1, wanted=99) == (0, 0, None)


def test_the_output_goes_first_then_blocks_from_the_last():
    assert plan([10, 20, 30], 5, 4) == (0, 0, None)
    assert plan([10, 20, 30], 5, 34) == (1, 5 * MIB, 0)
    assert plan([10, 20, 30], 5, 35) == (2, 35 * MIB, 0)
    assert plan([10, 20, 30], 5, 65) == (4, 65 * MIB, 0)


def test_one_gpu_with_room_for_all_is_enough():
    assert plan([10] * 4, 10, 40, 60) == (5, 50 * MIB, 1)
    assert plan([10] * 4, 10, 40, 60, spread=True) == (5, 50 * MIB, None)


def test_several_gpus_share_and_lose_up_to_a_layer_at_each_border():
    assert plan([10] * 8, 10, 40, 40) == (7, 70 * MIB, None)


def test_room_for_the_work_is_kept_on_each():
    assert plan([10, 10], 10, 30, work=10) == (2, 30 * MIB, 0)
    assert plan([10, 10], 10, 30, overhead=10 * MIB) == (2, 20 * MIB, 0)


def test_a_number_that_was_asked_for_is_taken_at_its_word():
    assert plan([10, 10], 10, 5, wanted=2) == (2, 20 * MIB, 0)
    assert plan([10, 10], 10, 5, wanted=99) == (3, 30 * MIB, 0)
    assert plan([10, 10], 10, 500, wanted=0) == (0, 0, None)


sizes = st.integers(0, 50)


@given(st.lists(sizes, min_size=1), sizes, st.lists(sizes, min_size=1), sizes, st.booleans())
def test_what_is_placed_fits(blocks, output, rooms, work, spread):
    placed = plan(blocks, output, *rooms, work=work, spread=spread)
    assert 0 <= placed.layers <= len(blocks) + 1
    assert placed.size <= sum(rooms) * MIB + work * MIB * len(rooms)
    if placed.gpu is not None and placed.layers:
        assert placed.size <= max(rooms[placed.gpu], work) * MIB


def told(monkeypatch, spec):
    """The model parameters that llama.cpp gets for a spec."""
    seen = []

    def load(path, params):
        seen.append(params)

    monkeypatch.setattr(model.lib, "llama_model_load_from_file", load)
    with pytest.raises(LoadFailed):
        model.Model(spec)
    return seen[0]


def test_what_llama_cpp_is_told_of_gpus(monkeypatch, make_spec):
    spec = replace(make_spec(), gpu_layers=12, main_gpu=1, split=False)
    params = told(monkeypatch, spec)
    assert (params.n_gpu_layers, params.main_gpu) == (12, 1)
    assert params.split_mode == model.lib.LLAMA_SPLIT_MODE_NONE
    assert not params.tensor_split
    monkeypatch.setattr(model.lib, "llama_max_devices", lambda: 4)
    params = told(monkeypatch, replace(spec, split=True, tensor_split=(3.0, 1.0)))
    assert params.split_mode == model.lib.LLAMA_SPLIT_MODE_LAYER
    assert params.tensor_split[:4] == [3.0, 1.0, 0.0, 0.0]


@pytest.mark.parametrize(
    ("sequences", "asked", "gpu", "flash"),
    [(4, -1, False, -1), (8, -1, False, 0), (8, 1, False, 1), (8, 0, False, 0), (8, -1, True, -1)],
)
def test_what_llama_cpp_is_told_of_the_cache(monkeypatch, make_spec, sequences, asked, gpu, flash):
    seen = []

    def make(handle, params):
        seen.append(params)

    spec = replace(
        make_spec(), num_sequences=sequences, flash_attention=asked, cache_type="q8_0", unified=True
    )
    monkeypatch.setattr(context, "supports_gpu", lambda: gpu)
    monkeypatch.setattr(context.lib, "llama_init_from_model", make)
    with pytest.raises(EngineError):
        context.Context(SimpleNamespace(handle=None), spec)
    params = seen[0]
    assert (params.flash_attn_type, params.kv_unified) == (flash, True)
    assert (params.type_k, params.type_v) == (library.lib.GGML_TYPE_Q8_0,) * 2
    assert params.n_ctx == sequences * spec.window


def test_a_build_without_gpu_has_none_and_asks_nobody(monkeypatch):
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: pytest.fail("asked"))
    assert devices.free_gpu_memory() == ()
    assert free_memory() == []


def test_a_child_is_asked_where_the_build_has_a_gpu(monkeypatch, tmp_path, caplog):
    (tmp_path / "libggml-cuda.so").touch()
    monkeypatch.setenv("LLAMA_CPP_LIB_PATH", str(tmp_path))
    answers = iter([json.dumps([7, 9]).encode(), b"no json"])
    monkeypatch.setattr(
        subprocess, "run", lambda *_, **__: SimpleNamespace(stdout=b"noise\n" + next(answers))
    )
    assert devices.free_gpu_memory() == (7, 9)
    assert devices.free_gpu_memory() == ()
    assert "cannot be asked" in caplog.text


def test_the_child_itself_answers(monkeypatch, tmp_path):
    monkeypatch.setattr(devices, "_libraries", lambda _: [tmp_path])
    assert devices.free_gpu_memory() == ()
