"""The memory estimate, by hand (engine notes, 6)."""

from types import SimpleNamespace

import psutil
import pytest
from gguf_writer import UINT32, array, tiny_llama, u32
from msgspec.structs import replace

from ollama_nb.engine import memory
from ollama_nb.engine.offload import Gpus
from ollama_nb.engine.spec import load_spec
from ollama_nb.errors import EngineError
from ollama_nb.gguf import read_header
from ollama_nb.settings import Settings
from ollama_nb.wire import Options

GIB = 1 << 30


@pytest.fixture
def header(tmp_path):
    """The header of a tiny llama (64 wide, 4 heads, 2 of them for keys) with changed keys."""

    def make(blocks=2, **changes):
        path = tmp_path / "model.gguf"
        path.write_bytes(tiny_llama(blocks=blocks, weights=False).set(**changes).encode())
        return read_header(path)

    return make


def spec(header, *, num_ctx=128, num_parallel=1):
    options = Options(num_ctx=num_ctx)
    return load_spec(header.path, header, options, Settings(num_parallel=num_parallel))


def cache(header, **numbers):
    return memory.cache_size(header, spec(header, **numbers))


def test_the_cache_of_a_hand_computed_case(header):
    # 128 positions x 2 blocks x 2 heads x (16 + 16) numbers of 2 bytes
    assert cache(header()) == 128 * 2 * 2 * 32 * 2 == 32_768


def test_every_sequence_has_a_window_of_its_own(header):
    assert cache(header(), num_ctx=64, num_parallel=3) == 64 * 3 * 2 * 2 * 32 * 2


def test_the_measured_models_of_the_engine_notes(header):
    wide = {
        "llama__context_length": u32(32_768),
        "llama__embedding_length": u32(768),
        "llama__attention__head_count": u32(12),
        "llama__attention__head_count_kv": u32(12),
    }
    assert cache(header(12, **wide), num_ctx=2048) == 72 << 20


def test_key_and_value_lengths_of_their_own_are_used(header):
    lengths = {"llama__attention__key_length": u32(24), "llama__attention__value_length": u32(8)}
    assert cache(header(**lengths)) == 128 * 2 * 2 * (24 + 8) * 2
    lengths["llama__attention__value_length"] = u32(40)
    assert cache(header(**lengths)) == 128 * 2 * 2 * (24 + 40) * 2


def test_without_key_value_heads_every_head_has_its_own(header):
    assert cache(header(llama__attention__head_count_kv=None)) == 128 * 2 * 4 * 32 * 2


def test_hybrid_models_count_heads_block_by_block(header):
    heads = {"llama__attention__head_count_kv": array(UINT32, [0, 2, 0, 1])}
    assert cache(header(4, **heads)) == 128 * (0 + 2 + 0 + 1) * 32 * 2
    heads["llama__attention__head_count"] = array(UINT32, [0, 4, 0, 4])
    assert cache(header(4, **heads)) == 128 * 3 * 32 * 2


def test_a_model_without_attention_has_no_cache(header):
    none = {
        "llama__attention__head_count": u32(0),
        "llama__attention__head_count_kv": u32(0),
    }
    assert cache(header(**none)) == 0


def test_the_estimate_covers_file_cache_and_output_rows(header):
    tiny = header()
    needed = memory.estimate(tiny, spec(tiny))
    assert needed >= tiny.file_size + 32_768 + 292 * 4 + (40 << 20)
    assert needed < tiny.file_size + (64 << 20)


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """Set free memory and, in files of cgroup v2, the container's limit and use."""

    def set_memory(free, **files):
        monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=free))
        monkeypatch.setattr(memory, "_CGROUP", tmp_path)
        for name, text in files.items():
            (tmp_path / f"memory.{name}").write_text(str(text))

    return set_memory


def test_available_is_the_machines_where_there_is_no_container(machine):
    machine(8 * GIB)
    assert memory.available() == 8 * GIB
    machine(8 * GIB, max="max\n", current=GIB, stat="inactive_file 0\n")
    assert memory.available() == 8 * GIB


def test_a_containers_limit_counts_less_what_it_uses(machine):
    machine(8 * GIB, max=4 * GIB, current=GIB, stat="anon 7\n")
    assert memory.available() == 3 * GIB
    machine(2 * GIB)
    assert memory.available() == 2 * GIB
    machine(8 * GIB, max=GIB, current=2 * GIB)
    assert memory.available() == 0


def test_files_that_the_kernel_only_keeps_around_are_not_in_use(machine):
    machine(8 * GIB, max=4 * GIB, current=4 * GIB, stat=f"anon 1\ninactive_file {3 * GIB}\n")
    assert memory.available() == 3 * GIB


def test_a_model_that_does_not_fit_is_refused_with_the_figures(header, machine):
    tiny = header()
    machine(10 << 20)
    with pytest.raises(EngineError, match=r"\(0\.0 GiB\).*num_ctx \(now 128\)"):
        memory.fit(tiny, spec(tiny))
    machine(GIB)
    fitted = memory.fit(tiny, spec(tiny))
    assert fitted.spec == replace(spec(tiny), gpu_layers=0)
    assert (fitted.size, fitted.size_vram) == (memory.estimate(tiny, spec(tiny)), 0)


def test_a_tenth_of_what_is_free_stays_free(header, machine):
    tiny = header()
    needed = memory.estimate(tiny, spec(tiny))
    machine(int(needed / 0.9) + 10)
    assert memory.fit(tiny, spec(tiny))
    machine(needed + 10)
    with pytest.raises(EngineError):
        memory.fit(tiny, spec(tiny))


def test_the_number_of_sequences_follows_memory_unless_it_was_said(header, machine):
    def number(free, said=0):
        machine(free)
        return memory.fit(tiny, spec(tiny, num_ctx=1 << 15, num_parallel=said))[0].num_sequences

    tiny = header(llama__context_length=u32(1 << 15))
    window = memory.cache_size(tiny, spec(tiny, num_ctx=1 << 15))
    assert number(GIB) == 4
    assert number(15 * window) == 2
    assert number(7 * window) == 1
    assert number(GIB, said=16) == 16


@pytest.mark.parametrize(("kind", "bytes_of_32"), [("f16", 64), ("q8_0", 34), ("q4_0", 18)])
def test_a_quantised_cache_takes_less(header, kind, bytes_of_32):
    tiny = header()
    settings = Settings(num_parallel=1, kv_cache_type=kind)
    quantised = load_spec(tiny.path, tiny, Options(num_ctx=128), settings)
    assert memory.cache_size(tiny, quantised) == 128 * 2 * 2 * 32 * bytes_of_32 // 32


def test_all_goes_to_the_gpu_that_has_room_for_it(header, machine):
    tiny = header(blocks=6)
    machine(20 << 20)  # too little by itself
    fitted = memory.fit(tiny, spec(tiny), Gpus((1 * GIB, 4 * GIB)))
    assert (fitted.spec.gpu_layers, fitted.spec.main_gpu, fitted.spec.split) == (7, 1, False)
    assert 0 < fitted.size_vram <= fitted.size


def test_on_a_gpu_the_number_of_sequences_is_larger(header, machine):
    tiny = header()
    machine(GIB)
    gpu = Gpus((8 * GIB,))
    assert memory.fit(tiny, spec(tiny, num_parallel=0), gpu).spec.num_sequences == 16
    assert memory.fit(tiny, spec(tiny, num_parallel=0)).spec.num_sequences == 4


def test_what_the_gpu_does_not_take_has_to_fit_beside_the_system(header, machine):
    tiny = header()
    machine(10 << 20)
    with pytest.raises(EngineError, match="more system memory"):
        memory.fit(tiny, spec(tiny), Gpus((100 << 20,)))


def test_shares_that_were_asked_for_are_kept(header, machine):
    tiny = header()
    machine(GIB)
    shared = replace(spec(tiny), tensor_split=(3.0, 1.0), main_gpu=1)
    fitted = memory.fit(tiny, shared, Gpus((8 * GIB, 8 * GIB)))
    assert (fitted.spec.split, fitted.spec.main_gpu) == (True, 1)
    assert fitted.spec.tensor_split == (3.0, 1.0)


def test_no_layers_are_no_layers(header, machine):
    tiny = header()
    machine(GIB)
    fitted = memory.fit(tiny, replace(spec(tiny), gpu_layers=0), Gpus((8 * GIB,)))
    assert (fitted.spec.gpu_layers, fitted.size_vram) == (0, 0)
