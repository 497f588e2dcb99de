"""The gate for files that stand beside a model: projectors and adapters.

As for models: what native code would divide by, index with or assert on is checked before it sees
the file; what it refuses with an error is left to it. Whether the shapes of an encoder's tensors
fit together differs from kind to kind, and is left to the trial in a child process.
"""

import math
from pathlib import Path
from typing import Final

from .arrays import BOOL, FLOAT32, INT32, STRING, UINT32, ArrayRef
from .header import read_header
from .records import Header, TensorInfo
from .tensors import NO_PRODUCT

_PROJECTOR_KINDS: Final = ("mmproj", "projector")
_MAX_SIDE: Final = 8192
_MAX_BLOCKS: Final = 512
_MAX_WIDTH: Final = 1 << 20
_MAX_MERGED: Final = 64
_COLOURS: Final = 3

# By value type, the keys that clip.cpp reads as that type, and asserts on it.
_READ_AS: Final = {
    STRING: (
        "general.name", "general.description", "clip.projector_type",
        "clip.vision.projector_type", "clip.vision.mm_patch_merge_type",
    ),
    BOOL: (
        "clip.has_vision_encoder", "clip.has_audio_encoder", "clip.has_gen_audio_encoder",
        "clip.use_gelu", "clip.use_silu",
    ),
    INT32: ("clip.minicpmv_version",),
    FLOAT32: ("clip.vision.attention.layer_norm_epsilon", "clip.vision.swiglu_clamp"),
    UINT32: (
        "clip.vision.embedding_length", "clip.vision.feed_forward_length",
        "clip.vision.block_count", "clip.vision.projection_dim",
        "clip.vision.attention.head_count", "clip.vision.attention.head_count_kv",
        "clip.vision.attention.head_dim", "clip.vision.image_size", "clip.vision.patch_size",
        "clip.minicpmv_query_num", "clip.vision.image_min_pixels", "clip.vision.image_max_pixels",
        "clip.vision.preproc_min_tiles", "clip.vision.preproc_max_tiles",
        "clip.vision.preproc_image_size", "clip.vision.projector.scale_factor",
        "clip.vision.projector.query_side", "clip.vision.projector.window_side",
        "clip.vision.spatial_merge_size", "clip.vision.n_wa_pattern", "clip.vision.window_size",
        "clip.vision.sam.head_count", "clip.vision.sam.block_count",
        "clip.vision.sam.embedding_length", "clip.vision.expert_used_count",
    ),
}  # fmt: skip
_NAMES: Final = {
    STRING: "a string", BOOL: "a boolean", INT32: "a 32-bit integer", FLOAT32: "a 32-bit float",
    UINT32: "a 32-bit unsigned integer",
}  # fmt: skip


def check_projector(path: Path) -> Header:
    """Return the header of an image encoder; raise MalformedGGUF for any other file."""
    header = read_header(path)
    judge_projector(header)
    return header


def judge_projector(header: Header) -> None:
    """Raise MalformedGGUF for a header that is no image encoder's."""
    kind = header.metadata.get("general.type")
    if header.architecture != "clip" and kind not in _PROJECTOR_KINDS:
        header.refuse("is no projector (image encoder)")
    _check_types(header)
    if not header.metadata.get("clip.has_vision_encoder") or not header.tensors:
        header.refuse("does not encode images")
    _check_numbers(header)
    for tensor in header.tensors:
        _check_product(header, tensor)


def check_adapter(path: Path) -> Header:
    """Return the header of a LoRA adapter; raise MalformedGGUF for any other file."""
    header = read_header(path)
    judge_adapter(header)
    return header


def judge_adapter(header: Header) -> None:
    """Raise MalformedGGUF for a header that is no LoRA adapter's."""
    if header.metadata.get("general.type") != "adapter":
        header.refuse("is no adapter")
    if header.metadata.get("adapter.type") != "lora" or not header.tensors:
        header.refuse("is an adapter of another kind than LoRA")
    if header.types.get("general.architecture") != STRING:
        header.refuse("has no general.architecture")
    alpha = header.metadata.get("adapter.lora.alpha")
    if (
        header.types.get("adapter.lora.alpha") != FLOAT32
        or not isinstance(alpha, float)
        or not math.isfinite(alpha)
    ):
        header.refuse(f"adapter.lora.alpha {alpha} is not {_NAMES[FLOAT32]}")
    _check_pairs(header)


def check_adapted(adapter: Header, model: Header) -> None:
    """Refuse an adapter that this model's graph dies of: raise MalformedGGUF.

    Where the embedding serves as output too, llama.cpp multiplies its factors the wrong way round.
    """
    tied = all(tensor.name != "output.weight" for tensor in model.tensors)
    if tied and any(tensor.name.startswith("token_embd.") for tensor in adapter.tensors):
        adapter.refuse("adapts an embedding that is the model's output too")


def _check_types(header: Header) -> None:
    for wanted, keys in _READ_AS.items():
        for key in keys:
            if header.types.get(key, wanted) != wanted:
                header.refuse(f"{key} is not {_NAMES[wanted]}")


def _check_numbers(header: Header) -> None:
    """Refuse numbers of the vision encoder that cannot be divided by, or by one another."""
    width = _number(header, "embedding_length", _MAX_WIDTH)
    heads = _number(header, "attention.head_count", _MAX_WIDTH)
    if width % heads:
        header.refuse(f"head_count {heads} does not divide embedding_length {width}")
    if heads % _number(header, "attention.head_count_kv", heads, absent=heads):
        header.refuse("head_count_kv does not divide head_count")
    _number(header, "block_count", _MAX_BLOCKS)
    patch = _number(header, "patch_size", _MAX_SIDE)
    if _number(header, "image_size", _MAX_SIDE) < patch:
        header.refuse("image_size is smaller than patch_size")
    for key in ("spatial_merge_size", "projector.scale_factor"):
        _number(header, key, _MAX_MERGED, absent=1)
    epsilon = header.metadata.get("clip.vision.attention.layer_norm_epsilon")
    if not isinstance(epsilon, float) or not (math.isfinite(epsilon) and epsilon >= 0):
        header.refuse(f"layer_norm_epsilon {epsilon} is not a positive number")
    for key in ("image_mean", "image_std"):
        colours = header.metadata.get(f"clip.vision.{key}")
        if isinstance(colours, ArrayRef) and colours.length < _COLOURS:
            header.refuse(f"{key} has {colours.length} numbers for {_COLOURS} colours")


def _number(header: Header, key: str, most: int, *, absent: int | None = None) -> int:
    """One of the vision encoder's numbers, between 1 and ``most``."""
    value = header.metadata.get(f"clip.vision.{key}", absent)
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
        header.refuse(f"clip.vision.{key} {value} is not between 1 and {most}")
    return value


def _check_pairs(header: Header) -> None:
    """Refuse factors that llama.cpp multiplies without asking whether they can be multiplied.

    How they fit the model it checks itself, in the first two dimensions.
    """
    tensors = {tensor.name: tensor for tensor in header.tensors}
    for name, tensor in tensors.items():
        _check_product(header, tensor)
        if any(size > 1 for size in tensor.shape[2:]) and "_exps." not in name:
            header.refuse(f"tensor {name!r} has more than two dimensions")
        other = tensors.get(f"{name[:-1]}b", tensor) if name.endswith(".lora_a") else tensor
        if _size(tensor, 2) != _size(other, 2) or _size(tensor, 3) != _size(other, 3):
            header.refuse(f"tensors {name!r} and {other.name!r} are of different depth")
        if name.startswith("token_embd.") and _size(tensor, 0) != _size(other, 0):
            header.refuse(f"tensors {name!r} and {other.name!r} are of different rank")


def _size(tensor: TensorInfo, dimension: int) -> int:
    return tensor.shape[dimension] if dimension < len(tensor.shape) else 1


def _check_product(header: Header, tensor: TensorInfo) -> None:
    if tensor.type.name in NO_PRODUCT:
        header.refuse(f"tensor {tensor.name!r} cannot be of type {tensor.type.name}")
