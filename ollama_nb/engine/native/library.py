"""llama.cpp itself: imported, silenced and started once per process."""

import ctypes
import os
from collections import deque
from typing import Any

# An abort inside ggml otherwise forks a debugger and prints pages of trace.
os.environ.setdefault("GGML_NO_BACKTRACE", "1")

from llama_cpp import llama_cpp as lib

__all__ = ["forget_log", "last_log", "lib", "remember_log", "stop_callback", "supports_gpu"]

_LOG_WARNING, _LOG_ERROR = 3, 4
_recent_log: deque[str] = deque(maxlen=8)


@lib.llama_log_callback  # type: ignore[untyped-decorator]
def remember_log(level: int, text: bytes, _: Any) -> None:
    """Keep the last warnings for error texts; print nothing into the user's notebook."""
    if level in (_LOG_WARNING, _LOG_ERROR):
        _recent_log.append(text.decode("utf-8", "replace").strip())


lib.llama_log_set(remember_log, ctypes.c_void_p(0))
lib.llama_backend_init()

# The abort callback is libc's strlen on a two-byte flag: "" goes on, "\1" stops. A callback written
# in Python took 15-32 ms to stop a prompt and slowed every step; this takes 1 ms and costs nothing.
stop_callback = ctypes.cast(ctypes.CDLL(None).strlen, lib.ggml_abort_callback)


def forget_log() -> None:
    """Begin something whose failure ``last_log`` is to explain."""
    _recent_log.clear()


def last_log(otherwise: str) -> str:
    """What llama.cpp last complained about, or ``otherwise``."""
    return _recent_log[-1] if _recent_log else otherwise


def supports_gpu() -> bool:
    """Whether this build of llama.cpp can offload to a GPU."""
    return bool(lib.llama_supports_gpu_offload())
