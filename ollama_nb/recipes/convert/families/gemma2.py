"""Gemma 2: norms that count from one, soft caps, and a window on every second layer."""

from typing import ClassVar

from gguf import MODEL_ARCH, GGUFWriter

from ollama_nb.recipes.convert.outputs import Array, Change

from .family import Family


class Gemma2(Family):
    """Also the ground of Gemma 3."""

    architectures: ClassVar[tuple[str, ...]] = ("Gemma2ForCausalLM",)
    kind = MODEL_ARCH.GEMMA2
    scaled_by_share: ClassVar[int] = 46
    """The number of layers by which llama.cpp knows the model whose attention scale is the
    embedding's share; all others' is the head's width.
    """

    @property
    def head_width(self) -> int:
        """Not the embedding's share."""
        return self.config.integer("head_dim", default=256)

    def describe(self, writer: GGUFWriter) -> None:
        """Add caps and window."""
        super().describe(writer)
        self._check_scale()
        writer.add_sliding_window(self.config.integer("sliding_window", default=4096))
        self.describe_caps(writer)

    def describe_caps(self, writer: GGUFWriter) -> None:
        """Write the soft caps."""
        config = self.config
        writer.add_attn_logit_softcapping(config.number("attn_logit_softcapping", default=50.0))
        writer.add_final_logit_softcapping(config.number("final_logit_softcapping", default=30.0))

    def change(self, name: str) -> Change | None:
        """Count norms from zero."""
        return _one_more if name.endswith("norm.weight") else None

    def _check_scale(self) -> None:
        share = self.width // self.heads
        implied = share if self.blocks == self.scaled_by_share else self.head_width
        scalar = self.config.number("query_pre_attn_scalar", default=256)
        if scalar != implied:
            raise self.config.refuse(
                f"query_pre_attn_scalar {scalar:g} is not supported for this shape, {implied} is"
            )


def _one_more(values: Array) -> Array:
    return values + 1
