"""Weights in another format, file to file. Blocks, and cannot be stopped: see engine/quantizing."""

import ctypes
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ollama_nb.errors import EngineError

from .library import forget_log, last_log, lib, remember_log

FORMATS = {
    "F32": lib.LLAMA_FTYPE_ALL_F32,
    "F16": lib.LLAMA_FTYPE_MOSTLY_F16,
    "BF16": lib.LLAMA_FTYPE_MOSTLY_BF16,
    "Q8_0": lib.LLAMA_FTYPE_MOSTLY_Q8_0,
    "Q6_K": lib.LLAMA_FTYPE_MOSTLY_Q6_K,
    "Q5_K_M": lib.LLAMA_FTYPE_MOSTLY_Q5_K_M,
    "Q5_K_S": lib.LLAMA_FTYPE_MOSTLY_Q5_K_S,
    "Q5_1": lib.LLAMA_FTYPE_MOSTLY_Q5_1,
    "Q5_0": lib.LLAMA_FTYPE_MOSTLY_Q5_0,
    "Q4_K_M": lib.LLAMA_FTYPE_MOSTLY_Q4_K_M,
    "Q4_K_S": lib.LLAMA_FTYPE_MOSTLY_Q4_K_S,
    "Q4_1": lib.LLAMA_FTYPE_MOSTLY_Q4_1,
    "Q4_0": lib.LLAMA_FTYPE_MOSTLY_Q4_0,
    "Q3_K_L": lib.LLAMA_FTYPE_MOSTLY_Q3_K_L,
    "Q3_K_M": lib.LLAMA_FTYPE_MOSTLY_Q3_K_M,
    "Q3_K_S": lib.LLAMA_FTYPE_MOSTLY_Q3_K_S,
    "Q2_K": lib.LLAMA_FTYPE_MOSTLY_Q2_K,
}
"""llama.cpp's number of each format, by the name that Ollama and llama.cpp share."""

_TENSOR = re.compile(rb"\[ *\d+/ *\d+\] +(\S+) ")
"""How llama.cpp's log begins the line of a tensor."""


def quantize_file(
    source: Path, target: Path, format: str, *, threads: int, begins: Callable[[str], None]
) -> None:
    """Write ``source`` in one of FORMATS; ``begins`` is called with each tensor's name.

    Raises EngineError with llama.cpp's words.
    """
    params = lib.llama_model_quantize_default_params()
    params.ftype = FORMATS[format]
    params.nthread = threads

    @lib.llama_log_callback  # type: ignore[untyped-decorator]
    def listen(level: int, text: bytes, data: Any) -> None:
        remember_log(level, text, data)
        if match := _TENSOR.match(text):
            begins(match[1].decode("utf-8", "replace"))

    forget_log()
    lib.llama_log_set(listen, ctypes.c_void_p(0))
    try:
        result = lib.llama_model_quantize(
            os.fsencode(source), os.fsencode(target), ctypes.byref(params)
        )
    finally:
        lib.llama_log_set(remember_log, ctypes.c_void_p(0))
    if result:
        raise EngineError(last_log("the engine could not quantize the model"))
