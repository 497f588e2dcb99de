"""A model that was just made is loaded once, in a child."""

import threading

import numpy as np
import pytest
from gguf_writer import tiny_llama
from tiny_lora import FEED_FORWARD, adapter

from ollama_nb.engine import memory
from ollama_nb.engine.first_load import first_load
from ollama_nb.errors import Cancelled, LoadFailed
from ollama_nb.gguf import check_model

pytestmark = pytest.mark.native


@pytest.fixture
def attempt(tmp_path):
    def attempt(model, *adapters, stop=None):
        path = tmp_path / "made.gguf"
        path.write_bytes(model.encode())
        return first_load(check_model(path), adapters, stop=stop or threading.Event())

    return attempt


def test_a_sound_model_is_tried(attempt):
    assert attempt(tiny_llama()) is True


def test_a_model_that_computes_no_numbers_is_refused(attempt):
    model = tiny_llama()
    norm = next(tensor for tensor in model.tensors if tensor.name == "output_norm.weight")
    norm.data = np.full(norm.shape, np.nan, "<f4").tobytes()
    with pytest.raises(LoadFailed, match=r"made\.gguf: a trial of it failed: .* no numbers"):
        attempt(model)


def test_a_model_that_lacks_a_tensor_is_refused_in_the_engines_words(attempt):
    model = tiny_llama()
    model.tensors = [tensor for tensor in model.tensors if "ffn_up" not in tensor.name]
    with pytest.raises(LoadFailed, match=r"a trial of it failed: .*failed to load model"):
        attempt(model)


def test_adapters_are_loaded_with_it(attempt, tmp_path):
    path = tmp_path / "lora.gguf"
    path.write_bytes(adapter().encode())
    assert attempt(tiny_llama(), path) is True
    wrong = {name: (columns * 2, rows) for name, (columns, rows) in FEED_FORWARD.items()}
    path.write_bytes(adapter(wrong).encode())
    with pytest.raises(LoadFailed, match="a trial of it failed"):
        attempt(tiny_llama(), path)


def test_what_does_not_fit_into_memory_is_not_tried(attempt, monkeypatch):
    monkeypatch.setattr(memory, "available", lambda: 1 << 20)
    assert attempt(tiny_llama()) is False


def test_it_can_be_stopped(attempt):
    stop = threading.Event()
    stop.set()
    with pytest.raises(Cancelled):
        attempt(tiny_llama(), stop=stop)
