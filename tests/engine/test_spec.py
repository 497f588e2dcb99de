"""What options and settings become before llama.cpp meets them."""

from types import SimpleNamespace

import pytest

from ollama_nb.engine.spec import load_spec
from ollama_nb.settings import Settings
from ollama_nb.wire import Options

HEADER = SimpleNamespace(get=lambda key: {"context_length": 2048}.get(key), pooling=None, marked=())


def spec(options=None, **settings):
    return load_spec("model.gguf", HEADER, Options.merge(options or {}), Settings(**settings))


def test_the_window_is_asked_for_set_or_trained_whichever_holds():
    assert spec().window == 2048
    assert spec(context_length=1000).window == 1000
    assert spec({"num_ctx": 512}).window == 512
    assert spec({"num_ctx": 10**9}).window == 2048
    assert spec({"num_ctx": 1}).window == 4


def test_a_step_has_room_for_all_sequences():
    assert spec({"num_batch": 1}).batch == 32
    assert spec({"num_batch": 1}, num_parallel=100).batch == 100
    assert spec({"num_batch": 10**6}, num_parallel=100).batch == 8192


def test_gpu_options_pass_through():
    assert spec().gpu_layers == -1
    assert spec({"num_gpu": 0}).gpu_layers == 0
    assert spec({"num_gpu": 33, "main_gpu": 1}).gpu_layers == 33
    assert spec({"main_gpu": 1}).main_gpu == 1
    assert spec({"main_gpu": -5}).main_gpu == 0


@pytest.mark.parametrize(
    ("settings", "flash", "kind"),
    [
        ({}, -1, "f16"),
        ({"flash_attention": True}, 1, "f16"),
        ({"flash_attention": False}, 0, "f16"),
        ({"kv_cache_type": "q8_0"}, 1, "q8_0"),
        ({"kv_cache_type": "q4_0", "flash_attention": True}, 1, "q4_0"),
        ({"kv_cache_type": "q8_0", "flash_attention": False}, 0, "f16"),
    ],
)
def test_only_flash_attention_reads_a_quantised_cache(settings, flash, kind):
    made = spec(**settings)
    assert (made.flash_attention, made.cache_type) == (flash, kind)


def test_the_way_weights_get_into_memory():
    assert spec().load_mode is None
    assert spec({"use_mmap": True}).load_mode == 1
    assert spec({"use_mmap": False}).load_mode == 0
    assert spec({"use_mlock": True}).load_mode == 3
