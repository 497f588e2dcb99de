"""Transfers under way in this process: whoever needs one that is just going on joins in."""

import contextlib
import threading
from collections.abc import Callable, Hashable, Iterator
from typing import Generic, Protocol, TypeVar


class Task(Protocol):
    """What moves a blob."""

    @property
    def completed(self) -> int:
        """Bytes so far."""

    def run(self, stop: threading.Event) -> None:
        """Move it; raises Cancelled soon after ``stop`` was set."""


T = TypeVar("T", bound=Task)

_END_SECONDS = 0.4
"""How long who ends a task waits for it to put its state in order."""


class Transfer(Generic[T]):
    """A task on a thread of its own."""

    def __init__(self, task: T) -> None:
        self.task = task
        self.listeners = 0
        self.failure: BaseException | None = None
        self.done = threading.Event()
        self._stop = threading.Event()

    def start(self) -> None:
        """Begin."""
        threading.Thread(target=self._run, name="ollama-nb-transfer", daemon=True).start()

    def end(self) -> None:
        """Have it stop, and wait for that a little."""
        self._stop.set()
        self.done.wait(_END_SECONDS)

    def _run(self) -> None:
        try:
            self.task.run(self._stop)
        except BaseException as error:  # noqa: BLE001 - raised again by those who listen
            self.failure = error
        finally:
            self.done.set()


class Transfers(Generic[T]):
    """All of one kind, by what they bring where."""

    def __init__(self) -> None:
        self._running: dict[Hashable, Transfer[T]] = {}
        self._lock = threading.Lock()

    def share(
        self, key: Hashable, begin: Callable[[], T], follow: Callable[[Transfer[T]], None]
    ) -> None:
        """Have a task done: join the one that goes on, or begin one. ``follow`` waits for its end.

        Raises what ``follow`` or our own task does; what somebody else's fails of, we try again.
        """
        while True:
            with self._joined(key, begin) as (transfer, own):
                follow(transfer)
            if transfer.failure is None:
                return
            if own:
                raise transfer.failure

    @contextlib.contextmanager
    def _joined(self, key: Hashable, begin: Callable[[], T]) -> Iterator[tuple[Transfer[T], bool]]:
        """Listen to a transfer, and say whether it was begun for us.

        It goes on as long as somebody listens.
        """
        with self._lock:
            transfer = self._running.get(key)
            own = transfer is None or transfer.done.is_set()
            if transfer is None or own:
                transfer = Transfer(begin())
                transfer.start()
                self._running[key] = transfer
            transfer.listeners += 1
        try:
            yield transfer, own
        finally:
            self._leave(key, transfer)

    def _leave(self, key: Hashable, transfer: Transfer[T]) -> None:
        with self._lock:
            transfer.listeners -= 1
            last = not transfer.listeners
            if last and self._running.get(key) is transfer:
                del self._running[key]
        if last:
            transfer.end()
