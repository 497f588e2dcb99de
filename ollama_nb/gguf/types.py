"""The ggml tensor types and the file types, as tables.

Knows numbers, names and block sizes; knows nothing of files. The numbers are facts of the GGUF
format: a row of a tensor is cut into blocks of ``block_size`` elements, each ``type_size`` bytes.
"""

from typing import Final, NamedTuple


class TensorType(NamedTuple):
    """How a tensor's elements are stored."""

    id: int
    name: str
    block_size: int
    type_size: int


_ROWS: Final = (
    (0, "F32", 1, 4),
    (1, "F16", 1, 2),
    (2, "Q4_0", 32, 18),
    (3, "Q4_1", 32, 20),
    (6, "Q5_0", 32, 22),
    (7, "Q5_1", 32, 24),
    (8, "Q8_0", 32, 34),
    (9, "Q8_1", 32, 40),
    (10, "Q2_K", 256, 84),
    (11, "Q3_K", 256, 110),
    (12, "Q4_K", 256, 144),
    (13, "Q5_K", 256, 176),
    (14, "Q6_K", 256, 210),
    (15, "Q8_K", 256, 292),
    (16, "IQ2_XXS", 256, 66),
    (17, "IQ2_XS", 256, 74),
    (18, "IQ3_XXS", 256, 98),
    (19, "IQ1_S", 256, 50),
    (20, "IQ4_NL", 32, 18),
    (21, "IQ3_S", 256, 110),
    (22, "IQ2_S", 256, 82),
    (23, "IQ4_XS", 256, 136),
    (24, "I8", 1, 1),
    (25, "I16", 1, 2),
    (26, "I32", 1, 4),
    (27, "I64", 1, 8),
    (28, "F64", 1, 8),
    (29, "IQ1_M", 256, 56),
    (30, "BF16", 1, 2),
    (34, "TQ1_0", 256, 54),
    (35, "TQ2_0", 256, 66),
    (39, "MXFP4", 32, 17),
    (40, "NVFP4", 64, 36),
    (41, "Q1_0", 128, 18),
    (42, "Q2_0", 64, 18),
)

# Ollama's first gpt-oss files use the retired number 4 for MXFP4. Such a file can be listed and
# shown; the gate refuses to load it, because llama.cpp knows only number 39.
OLLAMA_MXFP4: Final = TensorType(4, "MXFP4", 32, 17)

TENSOR_TYPES: Final[dict[int, TensorType]] = {row[0]: TensorType(*row) for row in _ROWS} | {
    OLLAMA_MXFP4.id: OLLAMA_MXFP4
}

# `general.file_type`. 0 (all F32) is left out on purpose: Ollama shows it as "unknown", and so do
# we. 4 is Ollama's own number for MXFP4.
FILE_TYPE_NAMES: Final[dict[int, str]] = {
    1: "F16",
    2: "Q4_0",
    3: "Q4_1",
    4: "MXFP4",
    7: "Q8_0",
    8: "Q5_0",
    9: "Q5_1",
    10: "Q2_K",
    11: "Q3_K_S",
    12: "Q3_K_M",
    13: "Q3_K_L",
    14: "Q4_K_S",
    15: "Q4_K_M",
    16: "Q5_K_S",
    17: "Q5_K_M",
    18: "Q6_K",
    19: "IQ2_XXS",
    20: "IQ2_XS",
    21: "Q2_K_S",
    22: "IQ3_XS",
    23: "IQ3_XXS",
    24: "IQ1_S",
    25: "IQ4_NL",
    26: "IQ3_S",
    27: "IQ3_M",
    28: "IQ2_S",
    29: "IQ2_M",
    30: "IQ4_XS",
    31: "IQ1_M",
    32: "BF16",
    36: "TQ1_0",
    37: "TQ2_0",
    38: "MXFP4",
    39: "NVFP4",
    40: "Q1_0",
    41: "Q2_0",
}

UNKNOWN_FILE_TYPE: Final = "unknown"


def file_type_name(file_type: object) -> str:
    """Name a ``general.file_type`` value the way Ollama's ``quantization_level`` does."""
    if isinstance(file_type, int) and not isinstance(file_type, bool):
        return FILE_TYPE_NAMES.get(file_type, UNKNOWN_FILE_TYPE)
    return UNKNOWN_FILE_TYPE


def parameter_size(count: int) -> str:
    """Write an element count the way Ollama's ``parameter_size`` does ("6.10M")."""
    if count >= 1_000_000_000:
        return _scaled(count, 1_000_000_000, 1) + "B"
    if count >= 1_000_000:
        return _scaled(count, 1_000_000, 2) + "M"
    if count >= 1_000:
        return f"{count / 1_000:.0f}K"
    return str(count)


def _scaled(count: int, unit: int, digits: int) -> str:
    return f"{count / unit:.{0 if count % unit == 0 else digits}f}"
