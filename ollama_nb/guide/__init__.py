"""The embedded default model, `guide`: where its files lie. How it was made is in the other files.

Deliberately empty of behaviour: importing this package loads no native library, no torch and no
numpy, since the store reads `BUILTIN_MODELS` at start.
"""

from pathlib import Path

BUILTIN_MODELS = Path(__file__).parent / "models"
"""A model store in Ollama's layout (manifests and blobs) holding `guide` and `guide:think`."""

__all__ = ["BUILTIN_MODELS"]
