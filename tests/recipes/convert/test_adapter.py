"""LoRA adapters, as PEFT leaves them, over a converted model."""

import copy
import json
import threading

import converted
import numpy as np
import pytest
import torch
from checkpoints import difference, files_of, quietly
from safetensors.torch import save_file

from ollama_nb.errors import Unconvertible
from ollama_nb.gguf import check_model
from ollama_nb.recipes.convert import convert_adapter

_RANK, _ALPHA = 4, 16
_ADAPTED = (
    "self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj",
    "mlp.gate_proj", "mlp.up_proj", "mlp.down_proj",
)  # fmt: skip
_NAME = "base_model.model.model.layers.{}.{}.lora_{}.weight"


@pytest.fixture(scope="module")
def factors(checkpoint):
    """Random ones for every matrix of a tiny llama."""
    draw = torch.Generator().manual_seed(7)
    model = checkpoint("llama", "float32").model.model
    found = {}
    for number, layer in enumerate(model.layers):
        for name in _ADAPTED:
            rows, columns = layer.get_submodule(name).weight.shape
            for part, shape in (("A", (_RANK, columns)), ("B", (rows, _RANK))):
                found[_NAME.format(number, name, part)] = torch.randn(shape, generator=draw) * 0.1
    return found


@pytest.fixture
def adapt(factors, tmp_path, gguf):
    """Convert an adapter for the tiny llama; return its path."""

    def adapt(tensors=factors, base="llama", **config):
        folder = tmp_path / "adapter"
        folder.mkdir(exist_ok=True)
        save_file(tensors, folder / "adapter_model.safetensors")
        config = {"peft_type": "LORA", "r": _RANK, "lora_alpha": _ALPHA} | config
        (folder / "adapter_config.json").write_text(json.dumps(config))
        target = tmp_path / "adapter.gguf"
        convert_adapter(
            files_of(folder), check_model(gguf(base, "float32")), target,
            progress=lambda done, total: None, stop=threading.Event(),
        )  # fmt: skip
        return target

    return adapt


@pytest.mark.native
@pytest.mark.parametrize(("root", "scale"), [(False, _ALPHA / _RANK), (True, _ALPHA / 2)])
def test_an_adapted_model_says_the_same(checkpoint, gguf, factors, adapt, root, scale):
    made = copy.copy(checkpoint("llama", "float32"))
    made.model = copy.deepcopy(made.model)
    for number, layer in enumerate(made.model.model.layers):
        for name in _ADAPTED:
            first, second = (factors[_NAME.format(number, name, part)] for part in "AB")
            layer.get_submodule(name).weight.data += scale * second @ first
    tokens = np.random.default_rng(1).integers(3, made.tokenizer.count, 60).tolist()
    with quietly():
        theirs = made.logits(tokens)
    ours = converted.logits(gguf("llama", "float32"), tokens, adapter=adapt(use_rslora=root))
    plain = converted.logits(gguf("llama", "float32"), tokens)
    assert difference(ours, theirs) < 1e-4
    assert difference(plain, theirs) > 1


def test_only_llamas_can_be_adapted(adapt):
    with pytest.raises(Unconvertible, match='unsupported architecture "qwen2"'):
        adapt(base="qwen2")


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"use_dora": True}, "use_dora is not supported"),
        ({"modules_to_save": ["lm_head"]}, "modules_to_save is not supported"),
        ({"alpha_pattern": {"q_proj": 2}}, "alpha_pattern is not supported"),
        ({"lora_alpha": None}, "lora_alpha is missing"),
        ({"lora_alpha": "16"}, "lora_alpha is not a number"),
    ],
)
def test_what_a_gguf_cannot_tell_is_refused(adapt, config, message):
    with pytest.raises(Unconvertible, match=message):
        adapt(**config)


@pytest.mark.parametrize(
    "name",
    [
        "base_model.model.model.layers.0.self_attn.q_proj.weight",
        "base_model.model.model.layers.99.self_attn.q_proj.lora_A.weight",
        "base_model.model.model.layers.0.self_attn.q_proj.lora_magnitude_vector",
    ],
)
def test_other_tensors_are_refused(factors, adapt, name):
    with pytest.raises(Unconvertible, match="no LoRA adapter of a Llama has it"):
        adapt({**factors, name: torch.zeros(_RANK, 64)})


def test_half_a_pair_is_refused(factors, adapt):
    halves = dict(factors)
    halves.pop(_NAME.format(1, "mlp.up_proj", "B"))
    with pytest.raises(Unconvertible, match=r"there is no 'blk\.1\.ffn_up\.weight\.lora_b'"):
        adapt(halves)
