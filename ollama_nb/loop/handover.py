"""Work on a thread of its own, for somebody who waits for its result or leaves before."""

import _thread
from collections.abc import Callable
from typing import Generic, TypeVar

_Result = TypeVar("_Result")


class Handover(Generic[_Result]):
    """One result. No lock: whichever side comes second sees what the other one has set."""

    def __init__(
        self, work: Callable[[], _Result], unwanted: Callable[[_Result], None] | None
    ) -> None:
        """``unwanted`` gets the result, on either's thread, if nobody is there to take it."""
        self._work = work
        self._unwanted = unwanted
        self._kept: list[_Result] = []
        self._failure: BaseException | None = None
        self._left = False

    def start(self, ended: Callable[[], object]) -> None:
        """Begin; ``ended`` is called on the thread, which the end of the process does not await."""
        # Not Thread.start, which would hold who calls until the thread runs.
        _thread.start_new_thread(self._run, (ended,))

    def take(self) -> _Result:
        """The result, for who has waited for the end and not left. Raises what the work did."""
        if self._failure is not None:
            raise self._failure
        return self._kept.pop()

    def leave(self) -> None:
        """Nobody waits any more."""
        self._left = True
        self._drop()

    def _run(self, ended: Callable[[], object]) -> None:
        try:
            self._kept.append(self._work())
        except BaseException as error:  # noqa: BLE001 - raised again where it is waited for
            self._failure = error
        if self._left:
            self._drop()
        ended()

    def _drop(self) -> None:
        try:
            result = self._kept.pop()
        except IndexError:  # not there yet, or the other side has dropped it
            return
        if self._unwanted is not None:
            self._unwanted(result)
