"""From the trained network to a checkpoint as Hugging Face has them, and the Modelfiles beside it.

The model is made of it by create, as of anybody's checkpoint (see `builtin_store.py`). Needs the
`safetensors` and `tokenizers` packages, but no torch.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file
from tokenizers import Tokenizer

from ollama_nb.recipes.definition import Definition, write_modelfile

from .shape import Shape
from .tokenizer import END, PADDING

TEMPLATES: Final = Path(__file__).parent / "templates"
MODELFILES: Final = {"latest": "Modelfile", "think": "think.Modelfile"}
"""The file that defines each tag of `guide`."""

Matrix = NDArray[np.float32]

_BLOCK: Final = {
    "attention.q": "self_attn.q_proj", "attention.k": "self_attn.k_proj",
    "attention.v": "self_attn.v_proj", "attention.output": "self_attn.o_proj",
    "feed_forward.gate": "mlp.gate_proj", "feed_forward.up": "mlp.up_proj",
    "feed_forward.down": "mlp.down_proj",
    "attention_norm": "input_layernorm", "feed_forward_norm": "post_attention_layernorm",
}  # fmt: skip
_OUTER: Final = {
    "embedding": "model.embed_tokens", "norm": "model.norm", "output": "lm_head"
}  # fmt: skip
_TURNED: Final = ("attention.q.weight", "attention.k.weight")


@dataclass(frozen=True)
class Guide:
    """All that training makes: the network's tensors by its own names for them, and a tokenizer."""

    shape: Shape
    tensors: Mapping[str, Matrix]
    tokenizer: Tokenizer


def export(guide: Guide, folder: Path) -> None:
    """Write the checkpoint, float32, and the Modelfiles. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {
        _checkpoint_name(name): _checkpoint_values(name, values, guide.shape.heads)
        for name, values in guide.tensors.items()
    }
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    guide.tokenizer.save(str(folder / "tokenizer.json"))
    ids = guide.tokenizer.get_vocab()
    end, padding = ids[END], ids[PADDING]
    _write_json(folder / "config.json", _config(guide.shape, end, padding))
    _write_json(
        folder / "generation_config.json",
        {"do_sample": False, "eos_token_id": [end, padding], "pad_token_id": padding},
    )
    _write_json(folder / "tokenizer_config.json", _tokenizer_config(guide.shape))
    for tag, name in MODELFILES.items():
        (folder / name).write_text(_modelfile(tag), encoding="utf-8")


def halves_apart(values: Matrix, heads: int) -> Matrix:
    """Rows of each head with the two of a pair half a head apart, as Hugging Face has them.

    The network has them side by side, as llama.cpp does.
    """
    rows, width = values.shape
    return values.reshape(heads, -1, 2, width).swapaxes(1, 2).reshape(rows, width)


def _checkpoint_name(name: str) -> str:
    """Turn `blocks.3.attention.q.weight` into `model.layers.3.self_attn.q_proj.weight`."""
    name = name.removesuffix(".weight")
    if name.startswith("blocks."):
        _, block, part = name.split(".", 2)
        return f"model.layers.{block}.{_BLOCK[part]}.weight"
    return f"{_OUTER[name]}.weight"


def _checkpoint_values(name: str, values: Matrix, heads: int) -> Matrix:
    changed = halves_apart(values, heads) if name.endswith(_TURNED) else values
    return np.ascontiguousarray(changed, dtype=np.float32)


def _config(shape: Shape, end: int, padding: int) -> dict[str, Any]:
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "vocab_size": shape.vocabulary,
        "hidden_size": shape.width,
        "intermediate_size": shape.feed_forward,
        "num_hidden_layers": shape.blocks,
        "num_attention_heads": shape.heads,
        "num_key_value_heads": shape.heads,
        "max_position_embeddings": shape.context,
        "rope_theta": shape.rope_base,
        "rms_norm_eps": shape.norm_epsilon,
        "hidden_act": "silu",
        "tie_word_embeddings": False,
        "bos_token_id": padding,
        "eos_token_id": end,
        "pad_token_id": padding,
        "torch_dtype": "float32",
    }


def _tokenizer_config(shape: Shape) -> dict[str, Any]:
    return {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": PADDING,
        "eos_token": END,
        "pad_token": PADDING,
        "add_bos_token": False,
        "clean_up_tokenization_spaces": False,
        "model_max_length": shape.context,
        "chat_template": (TEMPLATES / "chat.jinja").read_text(encoding="utf-8"),
    }


def _modelfile(tag: str) -> str:
    return write_modelfile(
        Definition(
            sources=["."],
            template=(TEMPLATES / f"{tag}.gotmpl").read_text(encoding="utf-8"),
            parameters={"temperature": 0},
            license=[(TEMPLATES / "LICENSE.txt").read_text(encoding="utf-8")],
        )
    )


def _write_json(path: Path, value: dict[str, Any]) -> None:
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
