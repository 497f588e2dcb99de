"""Which formats there are to quantize to, and from (reference: models, 7.4)."""

from ollama_nb.errors import OllamaError
from ollama_nb.gguf import Header

FORMATS = (
    "F32", "F16", "BF16", "Q2_K", "Q3_K_S", "Q3_K_M", "Q3_K_L", "Q4_0", "Q4_1", "Q4_K_S", "Q4_K_M",
    "Q5_0", "Q5_1", "Q5_K_S", "Q5_K_M", "Q6_K", "Q8_0",
)  # fmt: skip
"""All that the engine writes."""
_SHORT = {"Q3_K": "Q3_K_M", "Q4_K": "Q4_K_M", "Q5_K": "Q5_K_M"}
_SOURCES = ("F32", "F16", "BF16")


def wanted_format(text: str) -> str:
    """The format that a request names, in whatever case. Raises OllamaError."""
    name = text.upper()
    name = _SHORT.get(name, name)
    if name not in FORMATS:
        raise OllamaError(
            f"unsupported quantization type {name} - supported types are {', '.join(FORMATS)}"
        )
    return name


def source_format(header: Header) -> str:
    """The format that the weights have now. Raises OllamaError unless more can be done to it.

    A file that does not say is judged by its matrices.
    """
    if header.file_type_name in _SOURCES:
        return header.file_type_name
    types = {tensor.type.name for tensor in header.tensors if len(tensor.shape) > 1}
    if not types <= set(_SOURCES):
        raise OllamaError("quantization is only supported for F16, BF16 and F32 models")
    return next((name for name in ("BF16", "F16") if name in types), "F32")
