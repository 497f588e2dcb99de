"""Tiny checkpoints of every family, made by `transformers` with random weights, and their answers.

Weights are numbers that float16 holds, so that nothing but arithmetic can make a difference.
"""

import contextlib
import json
import math
import warnings

import numpy as np
import torch
import transformers
from tokenizer_files import SPECIALS

from ollama_nb.recipes.convert import Checkpoint as Files
from ollama_nb.recipes.model_folder import model_files

WIDTH, HEADS, BLOCKS = 64, 4, 3
_SMALL = {
    "hidden_size": WIDTH, "intermediate_size": 96, "num_attention_heads": HEADS,
    "num_hidden_layers": BLOCKS, "max_position_embeddings": 512,
}  # fmt: skip
_GROUPED = _SMALL | {"num_key_value_heads": 2}
_LLAMA3 = {
    "rope_type": "llama3", "rope_theta": 500_000.0, "factor": 8.0, "low_freq_factor": 1.0,
    "high_freq_factor": 4.0, "original_max_position_embeddings": 64,
}  # fmt: skip
_LONG = {
    "rope_type": "longrope", "rope_theta": 10_000.0,
    "short_factor": [1 + number / 10 for number in range(8)],
    "long_factor": [1 + number for number in range(8)],
    "original_max_position_embeddings": 512,
}  # fmt: skip
_GEMMA_LAYERS = ["sliding_attention"] * 5 + ["full_attention"] + ["sliding_attention"]

# Name of the case: the class, its configuration, the tokenizer.
CASES = {
    "llama": ("Llama", _GROUPED, "pieces"),
    "llama-wide-heads": ("Llama", _GROUPED | {"head_dim": 32, "attention_bias": True}, "pieces"),
    "llama-3": ("Llama", _GROUPED | {"tie_word_embeddings": True}, "llama-bpe"),
    "llama-3.1": ("Llama", _GROUPED | {"rope_parameters": _LLAMA3}, "llama-bpe"),
    "llama-linear": (
        "Llama",
        _GROUPED | {"rope_parameters": {"rope_type": "linear", "rope_theta": 1e4, "factor": 4.0}},
        "gpt-2",
    ),
    "llama-yarn": (
        "Llama",
        _GROUPED | {
            "rope_parameters": {
                "rope_type": "yarn", "rope_theta": 1e4, "factor": 4.0,
                "original_max_position_embeddings": 128,
            },
        },
        "llama-bpe",
    ),
    "mistral": ("Mistral", _GROUPED | {"head_dim": 16, "sliding_window": None}, "tekken"),
    "mixtral": (
        "Mixtral",
        _GROUPED | {"num_local_experts": 4, "num_experts_per_tok": 2, "sliding_window": None},
        "pieces-json",
    ),
    "qwen2": ("Qwen2", _GROUPED | {"tie_word_embeddings": True}, "qwen2"),
    "qwen3": ("Qwen3", _GROUPED | {"head_dim": 32}, "qwen2"),
    "gemma2": (
        "Gemma2",
        _GROUPED | {"head_dim": 32, "query_pre_attn_scalar": 32, "sliding_window": 16},
        "gemma",
    ),
    "gemma3": (
        "Gemma3",
        _GROUPED | {
            "head_dim": 32, "query_pre_attn_scalar": 32, "sliding_window": 16,
            "num_hidden_layers": 7, "layer_types": _GEMMA_LAYERS,
            "rope_parameters": {
                "full_attention": {"rope_type": "linear", "rope_theta": 1e6, "factor": 8.0},
                "sliding_attention": {"rope_type": "default", "rope_theta": 1e4},
            },
        },
        "gemma",
    ),
    "phi3": ("Phi3", _GROUPED | {"pad_token_id": 0}, "phi3"),
    "phi3-long": (
        "Phi3",
        _SMALL | {
            "num_key_value_heads": 2, "max_position_embeddings": 2048, "rope_parameters": _LONG,
            "original_max_position_embeddings": 512, "pad_token_id": 0,
        },
        "phi3",
    ),
}  # fmt: skip
ENCODERS = {
    "bert": ("Bert", _SMALL | {"hidden_act": "gelu_new"}, "words"),
    "nomic": ("NomicBert", _SMALL, "words"),
}
_CLASSES = {"Gemma3": "Gemma3ForCausalLM", "Bert": "BertModel", "NomicBert": "NomicBertModel"}
_CONFIGS = {"Gemma3": "Gemma3TextConfig"}
_MORE_ROWS = 3
"""An embedding may have more rows than the tokenizer has tokens."""


def files_of(folder):
    """What create takes of a folder."""
    return Files({file.name: file.path for file in model_files(folder)})


class Checkpoint:
    """One model on disk, and what it answers."""

    def __init__(self, kind, config, tokenizer, folder, dtype="float16"):
        self.folder = folder
        self.tokenizer = tokenizer
        rows = tokenizer.count + _MORE_ROWS
        with quietly():
            shape = getattr(transformers, _CONFIGS.get(kind, f"{kind}Config"))(
                vocab_size=rows, **config
            )
            shape._attn_implementation = "eager"
            self.model = getattr(transformers, _CLASSES.get(kind, f"{kind}ForCausalLM"))(shape)
            randomize(self.model)
            self.model.eval()
            stored = getattr(transformers, type(self.model).__name__)(shape)
            stored.load_state_dict(self.model.state_dict())
            stored.to(getattr(torch, dtype)).save_pretrained(folder)
        tokenizer.write(folder)

    def logits(self, tokens):
        """Of the token after each."""
        with torch.no_grad(), quietly():
            return self.model(torch.tensor([tokens])).logits[0].float().numpy()

    def vector(self, tokens):
        """The mean of the last layer."""
        with torch.no_grad(), quietly():
            return self.model(torch.tensor([tokens])).last_hidden_state[0].mean(0).numpy()


def randomize(model, seed=0):
    """Numbers large enough that every part of the network matters."""
    draw = torch.Generator().manual_seed(seed)
    for name, parameter in model.named_parameters():
        values = torch.randn(parameter.shape, generator=draw)
        if parameter.ndim > 1:
            values *= 1 if "embed" in name and "layers" not in name else parameter.shape[-1] ** -0.5
        elif "norm" in name.lower() and name.endswith("weight"):
            values = values * 0.3 + (0 if "Gemma" in type(model).__name__ else 1)
        else:
            values *= 0.3
        parameter.data.copy_(values.bfloat16().float())


@contextlib.contextmanager
def quietly():
    """`transformers` warns of itself."""
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def edit(path, **fields):
    """Change a JSON file; None takes a field out."""
    document = json.loads(path.read_text()) | fields
    path.write_text(json.dumps({key: one for key, one in document.items() if one is not None}))


def difference(ours, theirs):
    """The largest, in standard deviations of what should be."""
    return float(np.abs(ours - theirs).max() / theirs.std())


def divergence(ours, theirs):
    """Kullback-Leibler, the largest of all positions."""

    def distribution(logits):
        logits = logits.astype(np.float64)
        logits = logits - logits.max(-1, keepdims=True)
        return logits - np.log(np.exp(logits).sum(-1, keepdims=True))

    left, right = distribution(theirs), distribution(ours)
    return float((np.exp(left) * (left - right)).sum(-1).max())


__all__ = ["CASES", "ENCODERS", "SPECIALS", "Checkpoint", "difference", "divergence", "math"]
