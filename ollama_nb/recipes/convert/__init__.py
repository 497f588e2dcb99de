"""Conversion: safetensors checkpoints, as Hugging Face has them, made GGUF files.

Importing this imports the `gguf` package, which takes a quarter of a second.
"""

from .adapter import convert_adapter
from .checkpoint import Checkpoint
from .conversion import convert

__all__ = ["Checkpoint", "convert", "convert_adapter"]
