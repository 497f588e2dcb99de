"""The devices of ggml, which the bindings leave out."""

import ctypes
from pathlib import Path

from .library import lib

_GPU, _INTEGRATED_GPU = 1, 2
"""ggml's numbers of the types of device."""


def free_memory() -> list[int]:
    """Free bytes of each GPU, in the order in which llama.cpp numbers them.

    One that is part of the processor counts only where there is no other.
    """
    folder = Path(lib._base_path)
    names = {one.name.split(".")[0]: one for one in sorted(folder.glob("libggml*"), reverse=True)}
    registry, base = (ctypes.CDLL(str(names[name])) for name in ("libggml", "libggml-base"))
    registry.ggml_backend_dev_count.restype = ctypes.c_size_t
    registry.ggml_backend_dev_get.restype = ctypes.c_void_p
    registry.ggml_backend_dev_get.argtypes = [ctypes.c_size_t]
    base.ggml_backend_dev_type.argtypes = [ctypes.c_void_p]
    size = ctypes.POINTER(ctypes.c_size_t)
    base.ggml_backend_dev_memory.argtypes = [ctypes.c_void_p, size, size]
    if not lib.llama_supports_gpu_offload():
        return []
    found: dict[int, list[int]] = {}
    for index in range(registry.ggml_backend_dev_count()):
        device = registry.ggml_backend_dev_get(index)
        free, total = ctypes.c_size_t(), ctypes.c_size_t()
        base.ggml_backend_dev_memory(device, ctypes.byref(free), ctypes.byref(total))
        found.setdefault(base.ggml_backend_dev_type(device), []).append(free.value)
    return found.get(_GPU) or found.get(_INTEGRATED_GPU) or []
