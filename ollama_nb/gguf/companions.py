"""The gate for files that stand beside a model: projectors and adapters.

As for models: what native code would divide by, index with or assert on is checked before it sees
the file; what it refuses with an error is left to it.
"""

import math
from pathlib import Path
from typing import Final

from .arrays import ArrayRef
from .header import read_header
from .records import Header

_PROJECTOR_KINDS: Final = ("mmproj", "projector")
_MAX_SIDE: Final = 8192
_MAX_BLOCKS: Final = 512
_MAX_WIDTH: Final = 1 << 20
_COLOURS: Final = 3


def check_projector(path: Path) -> Header:
    """Return the header of an image encoder; raise MalformedGGUF for any other file."""
    header = read_header(path)
    kind = header.metadata.get("general.type")
    if header.architecture != "clip" and kind not in _PROJECTOR_KINDS:
        header.refuse("is no projector (image encoder)")
    if not header.metadata.get("clip.has_vision_encoder") or not header.tensors:
        header.refuse("does not encode images")
    width = _number(header, "embedding_length", _MAX_WIDTH)
    heads = _number(header, "attention.head_count", _MAX_WIDTH)
    if width % heads:
        header.refuse(f"head_count {heads} does not divide embedding_length {width}")
    _number(header, "block_count", _MAX_BLOCKS)
    patch = _number(header, "patch_size", _MAX_SIDE)
    if _number(header, "image_size", _MAX_SIDE) < patch:
        header.refuse("image_size is smaller than patch_size")
    epsilon = header.metadata.get("clip.vision.attention.layer_norm_epsilon")
    if not isinstance(epsilon, float) or not (math.isfinite(epsilon) and epsilon >= 0):
        header.refuse(f"layer_norm_epsilon {epsilon} is not a positive number")
    for key in ("image_mean", "image_std"):
        colours = header.metadata.get(f"clip.vision.{key}")
        if isinstance(colours, ArrayRef) and colours.length < _COLOURS:
            header.refuse(f"{key} has {colours.length} numbers for {_COLOURS} colours")
    return header


def check_adapter(path: Path) -> Header:
    """Return the header of a LoRA adapter; raise MalformedGGUF for any other file."""
    header = read_header(path)
    if header.metadata.get("general.type") != "adapter":
        header.refuse("is no adapter")
    if header.metadata.get("adapter.type") != "lora" or not header.tensors:
        header.refuse("is an adapter of another kind than LoRA")
    alpha = header.metadata.get("adapter.lora.alpha")
    if not isinstance(alpha, float) or not math.isfinite(alpha):
        header.refuse(f"adapter.lora.alpha {alpha} is not a number")
    return header


def _number(header: Header, key: str, most: int) -> int:
    """One of the vision encoder's numbers, between 1 and ``most``."""
    value = header.metadata.get(f"clip.vision.{key}")
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
        header.refuse(f"clip.vision.{key} {value} is not between 1 and {most}")
    return value
