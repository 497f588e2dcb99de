"""GGUF files: reading their headers and deciding whether native code may see them.

Pure Python and the standard library only; knows nothing of the store or the engine.
"""

from .arrays import ArrayRef, read_array, read_strings
from .companions import (
    check_adapted,
    check_adapter,
    check_projector,
    judge_adapter,
    judge_projector,
)
from .gate import check_model, judged_model
from .header import read_header
from .records import Header, TensorInfo

__all__ = [
    "ArrayRef",
    "Header",
    "TensorInfo",
    "check_adapted",
    "check_adapter",
    "check_model",
    "check_projector",
    "judge_adapter",
    "judge_projector",
    "judged_model",
    "read_array",
    "read_header",
    "read_strings",
]
