"""The GPUs that this build of llama.cpp can use, and how much of their memory is free.

A child process asks: a server that only decides where a model goes stays free of native code.
"""

import importlib.util
import json
import logging
import os
import subprocess
from pathlib import Path

from .child import child_command

_log = logging.getLogger(__name__)

_BACKENDS = ("cuda", "hip", "metal", "musa", "sycl", "vulkan")
_PATIENCE_S = 60
_CHILD = """
from ollama_nb.engine.native.devices import free_memory
print(json.dumps(free_memory()))
"""


def free_gpu_memory() -> tuple[int, ...]:
    """Free bytes of each GPU, in llama.cpp's order; empty where there is none or none is used."""
    if not any(_libraries(name) for name in _BACKENDS):
        return ()
    try:
        done = subprocess.run(
            child_command(_CHILD), capture_output=True, check=True, timeout=_PATIENCE_S
        )
        return tuple(json.loads(done.stdout.splitlines()[-1]))
    except (OSError, subprocess.SubprocessError, ValueError, IndexError) as error:
        _log.warning("the GPUs cannot be asked for their memory: %s", error)
        return ()


def _libraries(backend: str) -> list[Path]:
    """The library of a back end, as the build names it."""
    given = os.environ.get("LLAMA_CPP_LIB_PATH")
    found = importlib.util.find_spec("llama_cpp")
    if not given and (found is None or found.origin is None):
        return []
    folder = Path(given) if given else Path(str(found and found.origin)).parent / "lib"
    return list(folder.glob(f"libggml-{backend}.*"))
