"""nomic-embed-text: a BERT whose heads are turned and whose feed-forward is gated.

Its config.json comes in the words of GPT-2 (as published) or of BERT (from `transformers`).
"""

import re

from gguf import MODEL_ARCH, GGUFWriter

from ollama_nb.recipes.convert.config import Config
from ollama_nb.recipes.convert.rope import rope_of

from .bert import Bert

_GATED = ("silu", "swiglu", "swish")


class NomicBert(Bert):
    """v1 and v1.5."""

    architectures = ("NomicBertModel",)
    kind = MODEL_ARCH.NOMIC_BERT
    ignored = re.compile(rf"{Bert.ignored.pattern}|rotary_emb\.inv_freq$")

    def own_config(self, config: Config) -> Config:
        """Refuse what llama.cpp does not compute."""
        gate = config.text("hidden_act", "activation_function", default="silu")
        plain = not (config.flag("prenorm") or config.flag("qkv_proj_bias"))
        whole = config.number("rotary_emb_fraction", default=1.0) == 1.0
        if gate not in _GATED or not plain or not whole or "num_experts" in config:
            raise config.refuse("this kind of NomicBertModel is not supported")
        return config

    def count_blocks(self) -> int:
        """By either name."""
        return self.config.integer("num_hidden_layers", "n_layer")

    @property
    def width(self) -> int:
        """By either name."""
        return self.config.integer("hidden_size", "n_embd")

    @property
    def heads(self) -> int:
        """By either name."""
        return self.config.integer("num_attention_heads", "n_head")

    def describe(self, writer: GGUFWriter) -> None:
        """Add how heads are turned."""
        super().describe(writer)
        rope = rope_of(self.config)
        writer.add_rope_freq_base(rope.number("rope_theta", "rotary_emb_base", default=1000.0))
