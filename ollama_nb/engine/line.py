"""The line in front of a loaded model: who is next, fairly among owners."""

from collections import OrderedDict, deque
from collections.abc import Callable
from itertools import islice
from typing import Generic, TypeVar

Item = TypeVar("Item")

_LOOK_AHEAD = 16
"""How many of one owner's items are looked at, when the first ones had better wait."""


class FairLine(Generic[Item]):
    """Items by owner. Each owner's are in order of arrival; the owners take turns.

    So one with five hundred prompts does not keep another waiting with one.
    """

    def __init__(self) -> None:
        self._lines: OrderedDict[str, deque[Item]] = OrderedDict()

    def __bool__(self) -> bool:
        """Whether anybody waits."""
        return bool(self._lines)

    def add(self, item: Item, owner: str) -> None:
        """Put ``item`` at the end of its owner's line."""
        self._lines.setdefault(owner, deque()).append(item)

    def take(self, fits: Callable[[Item], bool]) -> Item | None:
        """Remove and return the next item that ``fits``; its owner's turn comes last then."""
        for owner, line in self._lines.items():
            for item in islice(line, _LOOK_AHEAD):
                if fits(item):
                    line.remove(item)
                    if line:
                        self._lines.move_to_end(owner)
                    else:
                        del self._lines[owner]
                    return item
        return None

    def remove(self, unwanted: Callable[[Item], bool]) -> list[Item]:
        """Remove and return every item that is ``unwanted``, wherever it stands."""
        gone = [item for line in self._lines.values() for item in line if unwanted(item)]
        if gone:
            kept = {
                owner: deque(item for item in line if not unwanted(item))
                for owner, line in self._lines.items()
            }
            self._lines = OrderedDict((owner, line) for owner, line in kept.items() if line)
        return gone
