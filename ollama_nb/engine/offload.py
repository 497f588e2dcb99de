"""How much of a model goes to the GPUs: whole blocks, as many as fit. Bytes throughout, and pure.

llama.cpp counts the output as one layer more, and takes it first, then blocks from the last one on.
"""

from collections.abc import Sequence
from typing import NamedTuple

_KEPT_FREE = 512 << 20
"""Of each GPU: its driver's context, and what else is displayed or computed there."""


class Gpus(NamedTuple):
    """The GPUs there are; nothing of them is used where there is none."""

    free: tuple[int, ...] = ()
    overhead: int = 0
    """More that is to stay free on each (OLLAMA_GPU_OVERHEAD)."""
    spread: bool = False
    """Whether all are used even where one would do (OLLAMA_SCHED_SPREAD)."""


class Offload(NamedTuple):
    """What goes there: so many layers; to all GPUs, or to one."""

    layers: int = 0
    size: int = 0
    gpu: int | None = None


def plan_offload(
    blocks: Sequence[int], output: int, work: int, gpus: Gpus, wanted: int = -1
) -> Offload:
    """Place ``blocks`` (weights and cache of each) and the output, beside ``work`` on each GPU.

    All on the GPU with most room if they fit there, else over all of them. ``wanted`` layers are
    taken at their word, -1 are as many as fit.
    """
    layers = [output, *reversed(blocks)]
    rooms = [max(0, free - gpus.overhead - _KEPT_FREE - work) for free in gpus.free]
    if not rooms or not wanted:
        return Offload()
    best = max(range(len(rooms)), key=rooms.__getitem__)
    alone = len(rooms) == 1 or (not gpus.spread and sum(layers) <= rooms[best])
    # Layers are whole: at each border between GPUs up to one of them finds no room.
    room = rooms[best] if alone else max(0, sum(rooms) - (len(rooms) - 1) * max(layers))
    count = _fitting(layers, room) if wanted < 0 else min(wanted, len(layers))
    if not count:
        return Offload()
    used = work * (1 if alone else len(rooms))
    return Offload(count, sum(layers[:count]) + used, best if alone else None)


def _fitting(layers: Sequence[int], room: int) -> int:
    """How many of the first layers fit."""
    for count, size in enumerate(layers):
        if size > room:
            return count
        room -= size
    return len(layers)
