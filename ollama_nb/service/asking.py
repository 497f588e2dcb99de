"""Ask the service so that no interrupt can leave an answer that nobody reads.

A KeyboardInterrupt lands on the main thread, between any two steps of its Python code. So what
borrows a model, hands the request over and learns how to cancel it runs on a thread of its own.
"""

import _thread
from collections.abc import Callable
from queue import SimpleQueue
from types import TracebackType
from typing import Generic, Self

from .stream import Chunk, Stream
from .waiting import wait_for


class Asking(Generic[Chunk]):
    """One question, in a ``with``: whichever way that is left, the answer ends there.

    It then is cancelled, also if it comes only later. Harmless when it has ended.
    """

    def __init__(self, ask: Callable[[], Stream[Chunk]]) -> None:
        """Take what will ask, such as a call of Service.generate. Asks nothing yet."""
        self._ask = ask
        self._outcome: SimpleQueue[Stream[Chunk] | BaseException] = SimpleQueue()
        self._stream: Stream[Chunk] | None = None
        self._left = False

    def stream(self) -> Stream[Chunk]:
        """Ask and wait, as while a model loads; an interrupt gets through. Raises what ask does."""
        # Not Thread.start, which waits in Python code, where an interrupt leaves locks held.
        _thread.start_new_thread(self._run, ())
        outcome = wait_for(self._outcome)
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._left = True
        if self._stream is not None:
            self._stream.cancel()

    def _run(self) -> None:
        try:
            self._stream = stream = self._ask()
        except BaseException as error:  # noqa: BLE001 - raised again where it is waited for
            self._outcome.put(error)
            return
        # Either this or __exit__ sees what the other one has set.
        if self._left:
            stream.cancel()
        self._outcome.put(stream)
