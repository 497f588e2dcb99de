"""Mistral: a Llama by another name. Its sliding window (7B v0.1) llama.cpp does not know."""

from .llama import Llama


class Mistral(Llama):
    """Mistral 7B, Nemo, Small."""

    architectures = ("MistralForCausalLM",)
