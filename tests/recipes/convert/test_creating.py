"""create from checkpoints: converted layers, told step by step; a failure leaves nothing."""

import errno
import json
import os
import threading
import tracemalloc
from pathlib import Path

import converted
import numpy as np
import pytest
import safetensors.numpy
import torch
from checkpoints import files_of
from safetensors.torch import save_file

from ollama_nb.engine.first_load import first_load
from ollama_nb.engine.quantizing import quantize
from ollama_nb.errors import Cancelled, OllamaError, Unconvertible
from ollama_nb.gguf import check_model
from ollama_nb.recipes.checking import check_request
from ollama_nb.recipes.convert import convert
from ollama_nb.recipes.create import Creation, Means
from ollama_nb.store import Store
from ollama_nb.wire import CreateRequest


@pytest.fixture
def store(tmp_path):
    return Store([tmp_path / "models"])


@pytest.fixture
def make(store):
    def make(**fields):
        told, request = [], CreateRequest(**fields)
        check_request(request)
        creation = Creation(store, request, Means(None, quantized, first_load))
        creation.run(told.append, threading.Event())
        return told

    return make


@pytest.fixture
def upload(store):
    """Upload a folder's files; return their digests by name."""

    def upload(folder):
        found = {}
        for path in sorted(filter(Path.is_file, folder.iterdir())):
            with store.new_blob() as blob:
                blob.write(path.read_bytes())
                found[path.name] = blob.keep()
        return found

    return upload


def quantized(header, target, format, progress, stop):
    quantize(header, target, format, progress=progress, stop=stop)


def words(lines):
    """The statuses, each once."""
    return list(dict.fromkeys(line.status.split(" sha256")[0] for line in lines))


def blobs(store):
    return {path.name for path in (store.disk.root / "blobs").iterdir()}


@pytest.mark.native
def test_a_checkpoint_becomes_a_model(checkpoint, upload, store, make):
    made = checkpoint("llama-3")
    lines = make(model="mine", files=upload(made.folder), system="Be brief.")
    assert words(lines) == [
        "converting model", "verifying conversion", "creating new layer", "writing manifest",
        "success",
    ]  # fmt: skip
    steps = [(line.completed, line.total) for line in lines if line.status == "converting model"]
    assert steps[0] == (0, 0)
    assert steps[-1][0] == steps[-1][1] > 0
    assert steps == sorted(steps)
    found = store.find("mine")
    assert (found.config.model_family, found.config.file_type) == ("llama", "F16")
    assert check_model(found.weights).metadata["tokenizer.ggml.pre"] == "llama-bpe"
    assert found.system == "Be brief."


@pytest.mark.native
@pytest.mark.parametrize(
    ("wanted", "dtype", "named", "status"),
    [
        ("q8_0", "bfloat16", "Q8_0", "quantizing BF16 model to Q8_0"),
        ("f16", "float32", "F16", None),
        ("f32", "float32", "F32", None),
        ("f32", "float16", "F32", "quantizing F16 model to F32"),
    ],
)
def test_it_may_be_quantized(checkpoint, upload, store, make, wanted, dtype, named, status):
    lines = make(model="m", files=upload(checkpoint("llama", dtype).folder), quantize=wanted)
    steps = words(lines)
    assert steps[: steps.index("verifying conversion")] == [
        "converting model",
        *filter(None, [status]),
    ]
    assert store.find("m").config.file_type == named


@pytest.mark.parametrize(
    ("missing", "message"),
    [
        ("config.json", "parse config.json: file does not exist"),
        ("tokenizer.json", "unknown tokenizer format"),
    ],
)
def test_a_failure_leaves_the_store_as_it_was(checkpoint, upload, store, make, missing, message):
    files = upload(checkpoint("llama-3").folder)
    before = blobs(store)
    del files[missing]
    with pytest.raises(Unconvertible, match=message):
        make(model="mine", files=files)
    assert blobs(store) == before
    assert not store.models()


def test_a_file_that_lies_is_an_error(checkpoint, upload, store, make, tmp_path):
    files = upload(checkpoint("llama-3").folder)
    folder = tmp_path / "lies"
    folder.mkdir()
    (folder / "model.safetensors").write_bytes((1 << 40).to_bytes(8, "little") + b"{}")
    with pytest.raises(OllamaError, match=r"model\.safetensors: invalid safetensors header"):
        make(model="mine", files=files | upload(folder))


def test_a_conversion_can_be_stopped(checkpoint, tmp_path):
    stop = threading.Event()
    told = []

    def progress(completed, total):
        told.append(completed)
        if len(told) == 5:
            stop.set()

    files = files_of(checkpoint("llama").folder)
    with pytest.raises(Cancelled):
        convert(files, tmp_path / "x.gguf", progress=progress, stop=stop)
    assert len(told) == 5


def test_memory_does_not_grow_with_a_tensor(checkpoint, tmp_path):
    made = checkpoint("llama-3")
    rows, columns = 3_000, 20_000
    config = json.loads((made.folder / "config.json").read_text()) | {"hidden_size": columns}
    tensors = {
        "model.embed_tokens.weight": np.zeros((rows, columns), np.float16),
        "model.layers.0.input_layernorm.weight": np.zeros(columns, np.float16),
    }
    safetensors.numpy.save_file(tensors, tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text(json.dumps(config | {"num_hidden_layers": 1}))
    made.tokenizer.write(tmp_path)
    size = tensors["model.embed_tokens.weight"].nbytes
    del tensors
    tracemalloc.start()
    try:
        convert(
            files_of(tmp_path), tmp_path / "x.gguf",
            progress=lambda completed, total: None, stop=threading.Event(),
        )  # fmt: skip
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < size / 2


@pytest.fixture
def adapter(tmp_path):
    """A LoRA for queries of the tiny llama."""
    folder = tmp_path / "lora"
    folder.mkdir()
    name = "base_model.model.model.layers.0.self_attn.q_proj.lora_{}.weight"
    save_file(
        {name.format("A"): torch.ones(4, 64), name.format("B"): torch.ones(64, 4)},
        folder / "adapter_model.safetensors",
    )
    (folder / "adapter_config.json").write_text('{"r": 4, "lora_alpha": 8}')
    return folder


@pytest.mark.native
def test_an_adapter_is_laid_over_a_converted_model(checkpoint, upload, store, make, adapter):
    lines = make(model="mine", files=upload(checkpoint("llama").folder), adapters=upload(adapter))
    assert words(lines)[:3] == ["converting model", "converting adapter", "verifying conversion"]
    found = store.find("mine")
    [layer] = [layer for layer in found.manifest.layers if layer.kind == "adapter"]
    path = store.disk.root / "blobs" / layer.digest.replace(":", "-")
    tokens = list(range(3, 20))
    plain = converted.logits(found.weights, tokens)
    assert np.abs(converted.logits(found.weights, tokens, adapter=path) - plain).max() > 0.1


def test_several_files_are_one_adapter_only_as_a_checkpoint(checkpoint):
    digest = "sha256:" + "0" * 64
    names = ("adapter_config.json", "adapter_model.safetensors")
    check_request(CreateRequest(model="a", from_="b", adapters=dict.fromkeys(names, digest)))
    with pytest.raises(OllamaError, match="only one adapter"):
        check_request(CreateRequest(model="a", from_="b", adapters={"1": digest, "2": digest}))


def test_a_system_that_cannot_copy_by_itself_is_helped(checkpoint, gguf, tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    monkeypatch.setattr(os, "copy_file_range", refuse)
    convert(
        files_of(checkpoint("mixtral").folder), tmp_path / "x.gguf",
        progress=lambda completed, total: None, stop=threading.Event(),
    )  # fmt: skip
    assert (tmp_path / "x.gguf").read_bytes() == gguf("mixtral").read_bytes()


@pytest.mark.native
@pytest.mark.parametrize("name", ["bert", "nomic"])
def test_a_model_for_embeddings_is_tried_too(checkpoint, upload, store, make, name):
    lines = make(model="mine", files=upload(checkpoint(name).folder))
    assert words(lines)[:2] == ["converting model", "verifying conversion"]
    assert store.find("mine").header.pooling is not None


@pytest.mark.native
def test_numbers_too_large_for_the_format_are_found_before_the_model_is_there(
    checkpoint, upload, store, make, tmp_path
):
    made = checkpoint("llama-3")
    tensors = safetensors.numpy.load_file(made.folder / "model.safetensors")
    wide = {name: values.astype(np.float32) for name, values in tensors.items()}
    wide["model.embed_tokens.weight"][:] = 1e6
    safetensors.numpy.save_file(wide, tmp_path / "model.safetensors")
    files = upload(made.folder) | upload(tmp_path)
    before = blobs(store)
    with pytest.raises(OllamaError, match="the model that was made cannot be used"):
        make(model="mine", files=files)
    assert blobs(store) == before
    assert not store.models()


@pytest.mark.native
def test_a_checkpoints_chat_template_is_recognised(checkpoint, upload, store, make, tmp_path):
    (tmp_path / "chat_template.jinja").write_text(
        "{% for one in messages %}<start_of_turn>{{ one.role }}\n{{ one.content }}<end_of_turn>\n"
        "{% endfor %}<start_of_turn>model\n"
    )
    lines = make(model="mine", files=upload(checkpoint("llama-3").folder) | upload(tmp_path))
    assert "using autodetected template gemma-instruct" in words(lines)
    assert store.find("mine").options == {"stop": ["<start_of_turn>", "<end_of_turn>"]}
