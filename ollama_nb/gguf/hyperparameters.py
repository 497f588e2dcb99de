"""The numbers of a model: those on which llama.cpp ends the process rather than refuse.

Knows the architecture's keys; knows nothing of tokens or tensor data. A key is looked at only if
it is there. Each limit names the place of llama.cpp (0.3.36's) that asserts it.
"""

import math
from typing import Final

from .arrays import ArrayRef
from .records import Header

MAX_BLOCKS: Final = 512  # LLAMA_MAX_LAYERS
MAX_EXPERTS: Final = 1024  # LLAMA_MAX_EXPERTS
MAX_CONTEXT: Final = 1 << 24
MAX_EMBEDDING: Final = 1 << 20

_INTEGER_TYPES: Final = frozenset((0, 1, 2, 3, 4, 5, 10, 11))
_ROPE_SCALINGS: Final = frozenset(("none", "linear", "yarn", "longrope"))
_POOLINGS: Final = range(5)

# Keys of models that carry state instead of heads; their converters write head_count 0 and
# feed_forward_length 0 (Mamba, RWKV).
_RECURRENT: Final = ("ssm.", "wkv.")

# Architectures whose graphs assert that keys and values have one width. Others differ honestly
# (DeepSeek 192/128, MiMo 192/128).
_ONE_HEAD_WIDTH: Final = frozenset(
    ("bert", "falcon", "gpt2", "granite", "internlm2", "llama", "llama4", "mistral3", "mpt",
     "nemotron", "olmo", "olmo2", "olmoe", "phi2", "phi3", "qwen", "qwen2", "qwen2moe", "qwen2vl",
     "qwen3", "qwen35", "qwen35moe", "qwen3moe", "qwen3next", "qwen3vl", "smollm3", "stablelm",
     "starcoder", "starcoder2")
)  # fmt: skip


def check_hyperparameters(header: Header) -> None:
    """Refuse a model whose numbers contradict each other or what llama.cpp can take."""
    blocks = _integer(header, "block_count")
    if blocks is None or not 1 <= blocks <= MAX_BLOCKS:
        header.refuse(f"block_count {blocks} is not between 1 and {MAX_BLOCKS}")
    predicting = _integer(header, "nextn_predict_layers") or 0
    if predicting > blocks:
        header.refuse(f"nextn_predict_layers {predicting} is more than block_count {blocks}")
    heads = _heads(header, blocks)
    _check_keys(header, blocks)
    _check_lengths(header, needed=heads > 0)
    _check_feed_forward(header, blocks)
    _check_experts(header, blocks)
    _check_head_width(header, heads)
    _check_scaling(header)
    _check_epsilons(header)


def _integer(header: Header, key: str) -> int | None:
    """Look up a number of the architecture; None if absent, refused if of another type."""
    value = header.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int):
        header.refuse(f"{key} is not an integer")
    return value


def _per_block(header: Header, key: str, blocks: int) -> list[int] | None:
    """Look up a number that may be given once or per block; always a list, or None if absent."""
    value = header.get(key)
    if not isinstance(value, ArrayRef):
        number = _integer(header, key)
        return None if number is None else [number]
    if value.type not in _INTEGER_TYPES:
        header.refuse(f"{key} is an array of another type than integer")
    if value.length != blocks:
        header.refuse(f"{key} has {value.length} entries for {blocks} blocks")
    return [int(number) for number in header.read_array(value)]


def _recurrent(header: Header) -> bool:
    prefixes = tuple(f"{header.architecture}.{part}" for part in _RECURRENT)
    return any(key.startswith(prefixes) for key in header.metadata)


def _heads(header: Header, blocks: int) -> int:
    """Check the head counts; return the first block's number of heads, 0 if there is none."""
    heads = _per_block(header, "attention.head_count", blocks)
    if heads is None:
        return 0
    if not (max(heads) > 0 or _recurrent(header)) or min(heads) < 0:
        header.refuse(f"attention.head_count {heads[0]} is not positive")
    groups = _per_block(header, "attention.head_count_kv", blocks)
    if groups is None:
        return heads[0]
    if not (max(groups) > 0 or _recurrent(header)) or min(groups) < 0:
        header.refuse(f"attention.head_count_kv {groups[0]} is not positive")
    width = max(len(heads), len(groups))
    for head, group in zip(_spread(heads, width), _spread(groups, width), strict=True):
        # Zeros stand for blocks without attention.
        if head and group and head % group:
            header.refuse(f"attention.head_count_kv {group} does not divide head_count {head}")
    return heads[0]


def _check_keys(header: Header, blocks: int) -> None:
    """Check per-block head counts against the key tensors.

    llama.cpp loads the tensors of most architectures by the first block's count and then dies in
    the graph, which uses each block's own.
    """
    groups = _per_block(header, "attention.head_count_kv", blocks) or []
    if len(set(groups)) < 2:
        return
    rows = {tensor.name: tensor.shape[-1] for tensor in header.tensors if tensor.shape}
    for block, group in enumerate(groups):
        found = rows.get(f"blk.{block}.attn_k.weight")
        if found is None:
            continue
        first = rows.get("blk.0.attn_k.weight", 0)
        expected = first * group // groups[0] if groups[0] else found
        plain = header.architecture in _ONE_HEAD_WIDTH
        if group == 0 or (plain and found != expected):
            header.refuse(f"attention.head_count_kv of block {block} is {group}, its keys differ")


def _spread(numbers: list[int], width: int) -> list[int]:
    return numbers * width if len(numbers) == 1 else numbers


def _check_lengths(header: Header, *, needed: bool) -> None:
    """Check the context and embedding lengths, which every model with heads must have."""
    for key, limit in (("context_length", MAX_CONTEXT), ("embedding_length", MAX_EMBEDDING)):
        length = _integer(header, key)
        if length is None and needed:
            header.refuse(f"has no {key}")
        if length is not None and not 1 <= length <= limit:
            header.refuse(f"{key} {length} is not between 1 and {limit}")


def _check_feed_forward(header: Header, blocks: int) -> None:
    lengths = _per_block(header, "feed_forward_length", blocks)
    if lengths is None or _recurrent(header) or header.get("expert_feed_forward_length"):
        return
    if max(lengths) <= 0 or min(lengths) < 0:
        header.refuse(f"feed_forward_length {lengths[0]} is not positive")


def _check_experts(header: Header, blocks: int) -> None:
    """Check the numbers of experts (asserted in load_hparams)."""
    experts = _integer(header, "expert_count") or 0
    used = max(_per_block(header, "expert_used_count", blocks) or [0])
    if header.architecture.startswith("hunyuan") and experts <= 1:
        return  # llama.cpp forgets both numbers for these
    if not 0 <= experts <= MAX_EXPERTS:
        header.refuse(f"expert_count {experts} is not between 0 and {MAX_EXPERTS}")
    if not min(experts, 1) <= used <= experts:
        header.refuse(f"expert_used_count {used} does not fit expert_count {experts}")
    groups = _integer(header, "expert_group_count") or 0
    if groups and groups >= experts:
        header.refuse(f"expert_group_count {groups} does not fit expert_count {experts}")
    group_used = _integer(header, "expert_group_used_count") or 0
    if groups > 1 and (experts % groups or not 0 < group_used < groups):
        header.refuse(f"expert_group_used_count {group_used} does not fit {groups} groups")


def _check_head_width(header: Header, heads: int) -> None:
    """Check the widths that the graph asserts: rotation within the head, in pairs."""
    embedding = _integer(header, "embedding_length")
    if not heads or embedding is None:
        return
    width = _integer(header, "attention.key_length")
    if width is None:
        if not isinstance(header.get("attention.head_count"), ArrayRef) and embedding % heads:
            header.refuse(f"head_count {heads} does not divide embedding_length {embedding}")
        width = embedding // heads
    value_width = _integer(header, "attention.value_length")
    if value_width is None:
        value_width = embedding // heads
    if width < 1 or value_width < 1:
        header.refuse("attention.key_length or value_length is not positive")
    if header.architecture in _ONE_HEAD_WIDTH and width != value_width:
        header.refuse(f"attention.key_length {width} differs from value_length {value_width}")
    rotated = _integer(header, "rope.dimension_count")
    if rotated is not None and (rotated % 2 or not 0 <= rotated <= width):
        header.refuse(f"rope.dimension_count {rotated} does not fit heads of width {width}")
    if header.architecture == "llama" and width % 2:
        header.refuse(f"heads of odd width {width} cannot be rotated")


def _check_scaling(header: Header) -> None:
    scaling = header.get("rope.scaling.type")
    if isinstance(scaling, str) and scaling not in _ROPE_SCALINGS:
        header.refuse(f"rope.scaling.type {scaling!r} is unknown")
    pooling = header.get("pooling_type")
    if isinstance(pooling, int) and pooling not in _POOLINGS:
        header.refuse(f"pooling_type {pooling} is unknown")


def _check_epsilons(header: Header) -> None:
    """Refuse negative epsilons: the normalization asserts on them in the first decode."""
    for key, value in header.metadata.items():
        if not (isinstance(value, float) and key.endswith("epsilon")):
            continue
        if not (math.isfinite(value) and value >= 0):
            header.refuse(f"{key} {value} is not a positive number")
