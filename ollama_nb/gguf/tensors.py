"""The tensors of a model: types that llama.cpp loads and then dies of in the first decode.

Knows names and types; never reads tensor data. Loading accepts any type for any tensor, because it
only asks whether the back end has the operation; the operation then aborts or jumps to a null
pointer (measured with llama-cpp-python 0.3.36, CPU).
"""

from typing import Final

from .records import Header, TensorInfo
from .types import OLLAMA_MXFP4

# No dot product exists for these: a matrix of such a type is called through a null pointer.
NO_PRODUCT: Final = frozenset(("I8", "I16", "I32", "I64", "F64", "Q8_1", "Q8_K"))
_FLOAT: Final = frozenset(("F32",))
_MATRICES: Final = (
    "token_embd.", "output.", "attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate.", "ffn_up.",
    "ffn_down.", "ffn_gate_exps", "ffn_up_exps", "ffn_down_exps", "ffn_gate_inp.",
)  # fmt: skip
_BLOCK_PARTS: Final = ("blk.", "output_norm", "token_embd_norm", "rope_freqs", "rope_factors")


def check_tensors(header: Header) -> None:
    """Refuse tensors whose type their place in the graph cannot take."""
    for tensor in header.tensors:
        if tensor.type is OLLAMA_MXFP4:
            header.refuse(f"tensor {tensor.name!r} is MXFP4 under Ollama's old number 4")
        if _is_matrix(tensor) and tensor.type.name in NO_PRODUCT:
            header.refuse(f"tensor {tensor.name!r} cannot be of type {tensor.type.name}")
        if _is_vector(tensor) and tensor.type.name not in _FLOAT:
            header.refuse(f"tensor {tensor.name!r} must be F32, not {tensor.type.name}")


def _is_matrix(tensor: TensorInfo) -> bool:
    """Tell whether this is a weight that activations are multiplied with."""
    part = tensor.name.split(".", 2)[-1] if tensor.name.startswith("blk.") else tensor.name
    return len(tensor.shape) > 1 and part.endswith(".weight") and part.startswith(_MATRICES)


def _is_vector(tensor: TensorInfo) -> bool:
    """Tell whether this is a norm, bias or rotation factor of a text model's block."""
    if len(tensor.shape) > 1 or not tensor.name.startswith(_BLOCK_PARTS):
        return False
    return tensor.name.endswith(("norm.weight", ".bias")) or tensor.name.startswith("rope_f")
