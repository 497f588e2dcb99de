"""The disk: Ollama's own layout, content-addressed blobs and the manifests that name them.

Today it reads; nothing here writes. Knows neither the network nor templates nor llama.cpp.
"""

from .model import Model
from .store import Store

__all__ = ["Model", "Store"]
