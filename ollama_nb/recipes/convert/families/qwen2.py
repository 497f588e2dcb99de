"""Qwen 2 and 2.5."""

from gguf import MODEL_ARCH

from .family import Family


class Qwen2(Family):
    """With biases on queries, keys and values, as they are."""

    architectures = ("Qwen2ForCausalLM",)
    kind = MODEL_ARCH.QWEN2
