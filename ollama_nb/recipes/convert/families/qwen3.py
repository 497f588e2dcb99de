"""Qwen 3: heads of their own width, with norms on queries and keys instead of biases."""

from gguf import MODEL_ARCH

from .family import Family


class Qwen3(Family):
    """The dense ones."""

    architectures = ("Qwen3ForCausalLM",)
    kind = MODEL_ARCH.QWEN3
    rope_base = 1e6

    @property
    def head_width(self) -> int:
        """Not the embedding's share."""
        return self.config.integer("head_dim", default=128)
