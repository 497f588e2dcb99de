"""Tokenizers of Hugging Face, read into the vocabulary that a GGUF holds."""

from .reading import read_vocabulary
from .vocabulary import Vocabulary

__all__ = ["Vocabulary", "read_vocabulary"]
