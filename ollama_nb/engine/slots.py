"""The slots of a cache: which tokens each holds, and where a new prompt finds its beginning.

Pure bookkeeping over integers; what is decided here, ``cache.py`` does to llama.cpp's. A slot keeps
its tokens when its sequence ends, until a sequence with other tokens takes it.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

_WORTH_COPYING = 16
"""Tokens; copying a shorter beginning costs more than evaluating it."""
_WORTH_WAITING = 64
"""Tokens; for so many that are just being evaluated for another sequence, one waits."""


@dataclass(eq=False)
class Slot:
    """One sequence's part of the cache."""

    number: int
    tokens: list[int] = field(default_factory=list)
    """What the sequence consists of so far; while it is busy, that sequence extends it."""
    num_cached: int = 0
    """How many of them the cache holds."""
    num_true: int | None = None
    """How many of those were evaluated after exactly the tokens before them; None: all of them.

    When the window slides, what stays was evaluated after tokens that are gone.
    """
    num_shared: int = 0
    """How many leading tokens others may hold in the same cells, which then cannot move."""
    owner: str = ""
    busy: bool = False
    last_used: int = 0

    @property
    def num_reusable(self) -> int:
        """How many leading tokens another sequence may take over."""
        return self.num_cached if self.num_true is None else min(self.num_cached, self.num_true)

    def slide(self, keep: int, discard: int) -> None:
        """Drop ``discard`` tokens after the first ``keep``."""
        del self.tokens[keep : keep + discard]
        self.num_cached -= discard
        self.num_true = keep if self.num_true is None else min(keep, self.num_true)
        self.num_shared = min(keep, self.num_shared)

    def rewind(self, keep: int, discard: int) -> None:
        """Drop them too, and let what follows them be evaluated again."""
        self.slide(keep, discard)
        self.num_cached = keep


class Placement(NamedTuple):
    """Where a prompt goes, and the slot (perhaps the same) that holds its first tokens."""

    slot: Slot
    source: Slot
    num_reused: int


class SlotTable:
    """All slots of one cache. With ``isolated``, nothing passes from one owner to another."""

    def __init__(self, count: int, *, isolated: bool = False) -> None:
        """Begin with ``count`` empty slots."""
        self._slots = [Slot(number) for number in range(count)]
        self._isolated = isolated
        self._clock = 0

    def has_idle(self) -> bool:
        """Whether a sequence could be placed."""
        return any(not slot.busy for slot in self._slots)

    def place(self, tokens: list[int], owner: str = "", *, fresh: bool = False) -> Placement | None:
        """Choose where a prompt goes; None: it had better wait.

        It waits where no slot is idle, or where a good deal of its beginning is being evaluated for
        another sequence. ``fresh`` reuses nothing and waits for nobody.
        """
        idle = [slot for slot in self._slots if not slot.busy]
        if not idle:
            return None
        oldest = min(idle, key=lambda slot: (slot.num_cached > 0, slot.last_used))
        if fresh:
            return Placement(oldest, oldest, 0)
        visible = [slot for slot in self._slots if not self._isolated or slot.owner == owner]
        found = [self._found(slot, tokens) for slot in visible]
        best = max(found, key=lambda one: (one.num_reused, not one.slot.busy), default=None)
        most = best.num_reused if best else 0
        if any(
            common_prefix(slot.tokens, tokens) - most >= _WORTH_WAITING
            for slot in visible
            if slot.busy and slot.num_true is None and slot.num_cached < len(slot.tokens)
        ):
            return None
        if best is None or (best.slot.busy and most < _WORTH_COPYING):
            return Placement(oldest, oldest, 0)
        lost = best.slot.num_cached - most
        crowded = oldest.num_cached > 0
        if not best.slot.busy and (
            best.slot is oldest or lost < _WORTH_COPYING or (crowded and lost <= most)
        ):
            return best
        return Placement(oldest, best.slot, most if most >= _WORTH_COPYING else 0)

    def take(self, placement: Placement, tokens: list[int], owner: str = "") -> Slot:
        """Give the slot to a sequence with these tokens, the reused ones being cached."""
        slot = placement.slot
        slot.tokens = list(tokens)
        slot.num_cached = placement.num_reused
        slot.num_true = None
        slot.num_shared = min(slot.num_shared, slot.num_cached)
        slot.owner = owner
        slot.busy = True
        return slot

    def leave(self, slot: Slot) -> None:
        """Take the slot back; what it holds stays for whoever begins alike."""
        self._clock += 1
        slot.busy = False
        slot.last_used = self._clock
        del slot.tokens[slot.num_cached :]

    def _found(self, slot: Slot, tokens: list[int]) -> Placement:
        common = common_prefix(slot.tokens[: slot.num_reusable], tokens)
        return Placement(slot, slot, min(common, len(tokens) - 1))  # the last one yields logits


def common_prefix(first: list[int], second: list[int]) -> int:
    """Count the tokens with which both begin; list comparison runs in C."""
    low, high = 0, min(len(first), len(second))
    while low < high:
        middle = (low + high + 1) // 2
        if first[low:middle] == second[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low
