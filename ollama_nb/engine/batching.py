"""Which sequences take part in the next step, and with how many tokens. Integers only."""

from collections.abc import Iterable
from typing import NamedTuple


class Share(NamedTuple):
    """A sequence's part of one step."""

    slot: int
    rows: int


def plan_step(pending: Iterable[tuple[int, int]], budget: int) -> list[Share]:
    """Divide ``budget`` rows among sequences given as (slot, pending tokens), oldest first.

    Sequences that generate have one pending token and always get their row; what is left goes to
    prompts in order of arrival, so that a long prompt never keeps a running answer waiting for
    longer than one step.
    """
    waiting = [(slot, count) for slot, count in pending if count]
    shares = [Share(slot, 1) for slot, count in waiting if count == 1][:budget]
    left = budget - len(shares)
    for slot, count in waiting:
        if count > 1 and left:
            shares.append(Share(slot, min(count, left)))
            left -= shares[-1].rows
    return shares
