"""Gemma 3, the text model: also out of a checkpoint that sees, whose encoder is left behind."""

import re

from gguf import MODEL_ARCH, GGUFWriter

from ollama_nb.recipes.convert.config import Config
from ollama_nb.recipes.convert.rope import rope_of

from .gemma2 import Gemma2

_PERIOD = 6
"""Every sixth layer sees everything."""
_SEEING = re.compile(r"^(model\.)?(vision_tower|multi_modal_projector)\.")
_INSIDE = re.compile(r"^(model\.language_model\.|language_model\.model\.)")


class Gemma3(Gemma2):
    """270M to 27B."""

    architectures = ("Gemma3ForCausalLM", "Gemma3ForConditionalGeneration")
    kind = MODEL_ARCH.GEMMA3
    ignored = re.compile(rf"{Gemma2.ignored.pattern}|{_SEEING.pattern}")
    rope_base = 1e6
    scaled_by_share = 62

    def own_config(self, config: Config) -> Config:
        """What is left out of text_config is as in Gemma 3 4B, for which it was made."""
        return config.part("text_config").overlaid(_DEFAULTS) if "text_config" in config else config

    def describe(self, writer: GGUFWriter) -> None:
        """Add how the layers with a window are turned."""
        super().describe(writer)
        local = rope_of(self.config, "sliding_attention")
        base = self.config.number("rope_local_base_freq", default=10_000.0)
        if "rope_parameters" in self.config:
            base = local.number("rope_theta", default=base)
        writer.add_rope_freq_base_swa(base)
        period = self._period()
        if period != _PERIOD:
            writer.add_sliding_window_pattern(period)

    def describe_caps(self, writer: GGUFWriter) -> None:
        """Only where there are some: Gemma 3 was published without."""
        if "final_logit_softcapping" in self.config or "attn_logit_softcapping" in self.config:
            raise self.config.refuse("soft caps are not supported for Gemma 3")

    def renamed(self, name: str) -> str:
        """Without what says that it is the text's part."""
        return _INSIDE.sub("model.", name).removeprefix("language_model.")

    def _period(self) -> int:
        """Every which layer sees everything. Raises Unconvertible if it is no such pattern."""
        layers = self.config.texts("layer_types")
        if not layers:
            return self.config.integer(
                "sliding_window_pattern", "_sliding_window_pattern", default=_PERIOD
            )
        whole = [number for number, layer in enumerate(layers, 1) if layer == "full_attention"]
        period = whole[0] if whole else max(_PERIOD, len(layers) + 1)
        if whole != list(range(period, len(layers) + 1, period)):
            raise self.config.refuse("layer_types is no pattern that repeats")
        return period


_DEFAULTS = Config(
    {
        "vocab_size": 262_208, "hidden_size": 2304, "intermediate_size": 9216,
        "num_hidden_layers": 26, "num_attention_heads": 8, "num_key_value_heads": 4,
        "head_dim": 256, "max_position_embeddings": 131_072, "rms_norm_eps": 1e-6,
        "sliding_window": 4096,
    }
)  # fmt: skip
