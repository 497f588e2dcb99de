"""How positions turn heads: what configurations of several generations say of it.

Until 2025 it was `rope_theta` and `rope_scaling`, since then both are in `rope_parameters`, for
some models once per type of layer. Knows no GGUF but its keys for this.
"""

import math
from typing import Final

import numpy as np
from gguf import GGUFWriter, RopeScalingType

from .config import Config
from .outputs import Computed

_PLAIN: Final = ("", "default", "none")
_ONLY_BEYOND: Final = "dynamic"
"""Changes nothing within the trained window, and beyond it nothing that a GGUF could tell."""
_SAID_BY_TENSORS: Final = ("llama3", "longrope", "su")


def rope_of(config: Config, layers: str = "full_attention") -> Config:
    """All that is said about it, for layers of one type where they differ."""
    given = config.part("rope_parameters", "rope_scaling")
    own = given.part(layers) if layers in given else given
    return own.overlaid(config)


def kind_of(rope: Config) -> str:
    """The kind of scaling, "" for none."""
    kind = rope.text("rope_type", "type")
    return "" if kind in _PLAIN or kind == _ONLY_BEYOND else kind


def describe_rope(writer: GGUFWriter, rope: Config, *, base: float = 10_000.0) -> None:
    """Write base and scaling. Raises Unconvertible for a scaling that no GGUF can hold."""
    writer.add_rope_freq_base(rope.number("rope_theta", default=base))
    kind = kind_of(rope)
    if kind == "linear":
        writer.add_rope_scaling_type(RopeScalingType.LINEAR)
        writer.add_rope_scaling_factor(rope.number("factor"))
    elif kind == "yarn":
        _describe_yarn(writer, rope)
    elif kind and kind not in _SAID_BY_TENSORS:
        raise rope.refuse(f"rope scaling {kind!r} is not supported")


def _describe_yarn(writer: GGUFWriter, rope: Config) -> None:
    writer.add_rope_scaling_type(RopeScalingType.YARN)
    writer.add_rope_scaling_factor(rope.number("factor"))
    writer.add_rope_scaling_orig_ctx_len(
        rope.integer("original_max_position_embeddings", "max_position_embeddings")
    )
    if "beta_fast" in rope:
        writer.add_rope_scaling_yarn_beta_fast(rope.number("beta_fast"))
    if "beta_slow" in rope:
        writer.add_rope_scaling_yarn_beta_slow(rope.number("beta_slow"))


def llama3_factors(rope: Config, width: int) -> Computed:
    """For each frequency of a head ``width`` wide, how many times slower it turns (Llama 3.1)."""
    base = rope.number("rope_theta", default=10_000.0)
    factor = rope.number("factor")
    low, high = rope.number("low_freq_factor"), rope.number("high_freq_factor")
    trained = rope.integer("original_max_position_embeddings", default=8192)
    if not (base > 0 and factor > 0 and 0 < low < high):
        raise rope.refuse("the factors of rope_scaling do not fit together")
    lengths = 2 * math.pi * base ** (np.arange(0, width, 2) / width)
    smooth = np.clip((trained / lengths - low) / (high - low), 0, 1)
    return Computed("rope_freqs.weight", 1 / ((1 - smooth) / factor + smooth))
