"""The disk: Ollama's own layout, content-addressed blobs and the manifests that name them.

Knows neither the network nor templates nor llama.cpp.
"""

from .blobs import NewBlob, blob_path
from .disk import Draft
from .manifests import Layer
from .model import Model, StoredMessage
from .store import Store
from .verifying import Checked, Damage

__all__ = [
    "Checked",
    "Damage",
    "Draft",
    "Layer",
    "Model",
    "NewBlob",
    "Store",
    "StoredMessage",
    "blob_path",
]
