"""A result on its way from the thread that makes it to somebody who may have left."""

from collections.abc import Callable
from typing import Generic, TypeVar

_Result = TypeVar("_Result")


class Handover(Generic[_Result]):
    """One result. No lock: whichever side comes second sees what the other one has set."""

    def __init__(self, unwanted: Callable[[_Result], None] | None) -> None:
        """``unwanted`` gets the result, on either's thread, if nobody is there to take it."""
        self._unwanted = unwanted
        self._kept: list[_Result] = []
        self._left = False

    def bring(self, result: _Result) -> None:
        """Here it is; whoever waits is to be told next."""
        self._kept.append(result)
        if self._left:
            self._drop()

    def take(self) -> _Result:
        """The result, for who has waited for it and not left."""
        return self._kept.pop()

    def leave(self) -> None:
        """Nobody waits any more."""
        self._left = True
        self._drop()

    def _drop(self) -> None:
        try:
            result = self._kept.pop()
        except IndexError:  # not there yet, or the other side has dropped it
            return
        if self._unwanted is not None:
            self._unwanted(result)
