"""The only package that calls llama.cpp, through llama-cpp-python's low-level bindings.

Native code dies where Python would raise: every rule here guards a call that was seen to end the
process (engine notes, section 3). Nothing is thread-safe except the reading of a live Model's
vocabulary and the cutting up of pictures; the rest belongs to the thread that made it. Knows no
requests, names or HTTP.
"""

from .batch import Batch
from .computing import ABORTED, CACHE_FULL, OK
from .context import Context
from .embedder import MOST_TEXTS, Embedder
from .library import supports_gpu
from .model import Model
from .projector import Patch, Projector
from .sampler import SamplerChain

__all__ = [
    "ABORTED",
    "CACHE_FULL",
    "MOST_TEXTS",
    "OK",
    "Batch",
    "Context",
    "Embedder",
    "Model",
    "Patch",
    "Projector",
    "SamplerChain",
    "supports_gpu",
]
