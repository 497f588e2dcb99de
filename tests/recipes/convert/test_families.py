"""Of every family, a random tiny model says the same in llama.cpp as in `transformers`."""

import json
import shutil

import converted
import numpy as np
import pytest
from checkpoints import CASES, difference, divergence, edit

from ollama_nb.errors import Unconvertible
from ollama_nb.gguf import check_model

# In standard deviations of the logits. llama.cpp multiplies float16 with float16, bfloat16 with
# bfloat16; caps and GELU come out of tables.
_LIMITS = {"float32": 2e-3, "float16": 1e-2, "bfloat16": 6e-2}
_DIVERGENCES = {"float32": 1e-8, "float16": 1e-4, "bfloat16": 3e-3}


def random_tokens(checkpoint, count=120):
    return np.random.default_rng(1).integers(3, checkpoint.tokenizer.count, count).tolist()


def agrees(checkpoint, path, dtype, *, count=120, window=512):
    tokens = random_tokens(checkpoint, count)
    theirs = checkpoint.logits(tokens)
    ours = converted.logits(path, tokens, window=window)
    assert difference(ours, theirs) < _LIMITS[dtype]
    assert divergence(ours, theirs) < _DIVERGENCES[dtype]


@pytest.mark.native
@pytest.mark.parametrize("dtype", _LIMITS)
@pytest.mark.parametrize("name", CASES)
def test_the_same_next_tokens_are_as_likely(checkpoint, gguf, name, dtype):
    agrees(checkpoint(name, dtype), gguf(name, dtype), dtype)


@pytest.mark.native
def test_a_long_text_takes_the_factors_for_long_ones(checkpoint, gguf):
    made, path = checkpoint("phi3-long", "float32"), gguf("phi3-long", "float32")
    agrees(made, path, "float32", count=600, window=1024)


@pytest.mark.parametrize(
    ("dtype", "single", "matrices", "named"),
    [
        ("float32", False, "F16", "F16"),
        ("float32", True, "F32", "unknown"),
        ("float16", False, "F16", "F16"),
        ("float16", True, "F16", "F16"),
        ("bfloat16", False, "BF16", "BF16"),
        ("bfloat16", True, "BF16", "BF16"),
    ],
)
def test_matrices_keep_a_small_type_and_vectors_are_whole(
    checkpoint, convert_to, dtype, single, matrices, named
):
    header = convert_to(checkpoint("mixtral", dtype).folder, single=single)
    types = {tensor.name: tensor.type.name for tensor in header.tensors}
    assert types["blk.0.ffn_up_exps.weight"] == types["token_embd.weight"] == matrices
    assert types["blk.0.ffn_gate_inp.weight"] == types["blk.0.attn_norm.weight"] == "F32"
    assert header.file_type_name == named


def test_experts_are_stacked(checkpoint, gguf):
    tensors = {tensor.name: tensor for tensor in check_model(gguf("mixtral")).tensors}
    assert tensors["blk.0.ffn_gate_exps.weight"].shape == (64, 96, 4)
    assert tensors["blk.0.ffn_down_exps.weight"].shape == (96, 64, 4)


def copied(checkpoint, tmp_path):
    return shutil.copytree(checkpoint.folder, tmp_path / "copy")


OLD = {"rope_parameters": None, "dtype": None, "torch_dtype": "float32"}


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("llama", {"rope_theta": 10_000.0}),
        (
            "llama-3.1",
            {
                "rope_theta": 500_000.0,
                "rope_scaling": {
                    "rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0,
                    "high_freq_factor": 4.0, "original_max_position_embeddings": 64,
                },
            },
        ),
        (
            "llama-linear",
            {"rope_theta": 10_000.0, "rope_scaling": {"type": "linear", "factor": 4.0}},
        ),
        (
            "gemma3",
            {
                "rope_theta": 1e6, "rope_local_base_freq": 10_000.0,
                "rope_scaling": {"rope_type": "linear", "factor": 8.0},
                "layer_types": None, "sliding_window_pattern": 6,
            },
        ),
        (
            "phi3-long",
            {
                "rope_theta": 10_000.0, "original_max_position_embeddings": 512,
                "rope_scaling": {
                    "type": "longrope",
                    "short_factor": [1 + number / 10 for number in range(8)],
                    "long_factor": [1 + number for number in range(8)],
                },
            },
        ),
    ],
)  # fmt: skip
def test_older_configurations_mean_the_same(checkpoint, gguf, convert_to, tmp_path, name, fields):
    folder = copied(checkpoint(name, "float32"), tmp_path)
    edit(folder / "config.json", **OLD, **fields)
    header = convert_to(folder, single=True)
    assert header.path.read_bytes() == gguf(name, "float32").read_bytes()


def test_a_gemma_that_sees_is_taken_without_its_eyes(checkpoint, gguf, convert_to, tmp_path):
    from safetensors.numpy import load_file, save_file

    folder = copied(checkpoint("gemma3", "float32"), tmp_path)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(
        json.dumps({"architectures": ["Gemma3ForConditionalGeneration"], "text_config": config})
    )
    for prefix in ("language_model.model.", "model.language_model."):
        tensors = load_file(checkpoint("gemma3", "float32").folder / "model.safetensors")
        seeing = {f"{prefix}{name.removeprefix('model.')}": one for name, one in tensors.items()}
        seeing["vision_tower.vision_model.embeddings.patch_embedding.weight"] = np.ones((2, 2))
        seeing["multi_modal_projector.mm_input_projection_weight"] = np.ones((2, 2))
        save_file(seeing, folder / "model.safetensors")
        assert convert_to(folder, single=True).path.read_bytes() == (
            gguf("gemma3", "float32").read_bytes()
        )


@pytest.mark.parametrize(
    ("name", "fields", "message"),
    [
        ("llama", {"architectures": []}, "unknown architecture"),
        ("llama", {"architectures": None}, "unknown architecture"),
        ("llama", {"architectures": ["GPTNeoX"]}, 'unsupported architecture "GPTNeoX"'),
        ("llama", {"architectures": "LlamaForCausalLM"}, "architectures is not a list of texts"),
        ("llama", {"num_attention_heads": "4"}, "num_attention_heads is not a whole number"),
        ("llama", {"num_attention_heads": 0}, "num_attention_heads is not a whole number"),
        ("llama", {"num_hidden_layers": 1 << 40}, "num_hidden_layers is not a whole number"),
        ("llama", {"num_hidden_layers": 2_000_000}, "num_hidden_layers 2000000 is more than"),
        ("llama", {"num_hidden_layers": 2}, "no LLAMA model has it"),
        ("llama", {"num_hidden_layers": 4}, r"'blk\.3\..+': is missing"),
        ("llama", {"rms_norm_eps": float("nan")}, "rms_norm_eps is not a finite number"),
        ("llama", {"rms_norm_eps": None}, "rms_norm_eps is missing"),
        ("llama", {"rope_parameters": {"rope_type": "moon"}}, "rope scaling 'moon'"),
        ("llama", {"rope_parameters": 3}, "rope_parameters is not an object"),
        ("llama-3.1", {"rope_parameters": {"rope_type": "llama3"}}, "factor is missing"),
        ("phi3-long", {"rope_parameters": {"rope_type": "longrope"}}, "long_factor is missing"),
        ("mixtral", {"num_local_experts": 5}, "is not of 5 experts"),
        ("gemma2", {"query_pre_attn_scalar": 100}, "query_pre_attn_scalar 100 is not supported"),
        ("gemma3", {"layer_types": ["full_attention"] * 2 + ["x"] * 5}, "no pattern that repeats"),
        ("gemma3", {"final_logit_softcapping": 30.0}, "soft caps"),
        ("nomic", {"hidden_act": "relu"}, "kind of NomicBertModel"),
    ],
)
def test_what_cannot_be_converted_is_named(checkpoint, convert_to, tmp_path, name, fields, message):
    folder = copied(checkpoint(name), tmp_path)
    edit(folder / "config.json", **fields)
    with pytest.raises(Unconvertible, match=message):
        convert_to(folder)
