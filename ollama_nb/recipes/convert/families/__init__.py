"""The kinds of model that are understood, one file each."""

from ollama_nb.errors import Unconvertible

from .bert import Bert
from .family import Family
from .gemma2 import Gemma2
from .gemma3 import Gemma3
from .llama import Llama
from .mistral import Mistral
from .mixtral import Mixtral
from .nomic_bert import NomicBert
from .phi3 import Phi3
from .qwen2 import Qwen2
from .qwen3 import Qwen3

FAMILIES: tuple[type[Family], ...] = (
    Llama, Mistral, Mixtral, Qwen2, Qwen3, Gemma2, Gemma3, Phi3, Bert, NomicBert,
)  # fmt: skip
_BY_ARCHITECTURE = {name: family for family in FAMILIES for name in family.architectures}


def family_of(architectures: list[str]) -> type[Family]:
    """The family of what config.json names first. Raises Unconvertible."""
    name = architectures[0] if architectures else ""
    if name not in _BY_ARCHITECTURE:
        raise Unconvertible.architecture(name)
    return _BY_ARCHITECTURE[name]


__all__ = ["FAMILIES", "Family", "family_of"]
