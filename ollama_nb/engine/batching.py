"""Which sequences take part in the next step, and with how many tokens. Integers only."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple


class Pending(NamedTuple):
    """What a sequence waits for: so many tokens; ``alone`` if no other may be in its steps."""

    slot: int
    rows: int
    alone: bool = False


class Share(NamedTuple):
    """A sequence's part of one step."""

    slot: int
    rows: int


def plan_step(pending: Iterable[Pending], capacity: int, pace: int, turn: int = 0) -> list[Share]:
    """Divide the rows of a step among sequences, oldest first.

    Sequences that generate have one pending token and always get their row; what is left goes to
    prompts in order of arrival. While anything generates, prompts get at most ``pace`` rows, so
    that a long one does not hold up the answers under way. Sequences that have to be alone take
    turns with each other and with all the rest; ``turn`` counts the steps.
    """
    waiting = [one for one in pending if one.rows]
    parties = [[one] for one in waiting if one.alone]
    together = [one for one in waiting if not one.alone]
    if together:
        parties.append(together)
    if not parties:
        return []
    party = parties[turn % len(parties)]
    shares = [Share(one.slot, 1) for one in party if one.rows == 1][:capacity]
    left = capacity - len(shares)
    if shares:
        left = min(left, pace)
    for one in party:
        if one.rows > 1 and left:
            shares.append(Share(one.slot, min(one.rows, left)))
            left -= shares[-1].rows
    return shares


class PromptPace:
    """How many prompt rows fit into a step that lasts no longer than running answers can wait."""

    _LEAST = 64
    """Rows; fewer are slow for their number (engine notes, 2)."""
    _SMOOTHING = 0.25

    def __init__(self, target_ns: int) -> None:
        """Aim at steps of ``target_ns``."""
        self._target_ns = target_ns
        self._row_ns = 0.0

    @property
    def rows(self) -> int:
        """The number, a multiple of 64."""
        if not self._row_ns:
            return self._LEAST
        fitting = int(self._target_ns / self._row_ns)
        return max(self._LEAST, fitting // self._LEAST * self._LEAST)

    def note(self, rows: int, duration_ns: int) -> None:
        """Learn from a step with so many rows, most of them a prompt's."""
        measured = duration_ns / rows
        if self._row_ns:
            measured = self._row_ns + self._SMOOTHING * (measured - self._row_ns)
        self._row_ns = measured


def num_prompt_rows(shares: Sequence[Share]) -> int:
    """Count the rows that evaluate prompts."""
    return sum(share.rows for share in shares if share.rows > 1)
