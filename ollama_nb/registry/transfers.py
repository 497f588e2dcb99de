"""Downloads under way in this process: whoever needs a blob that is just coming joins in."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from .download import Download
    from .manifest import Blob

T = TypeVar("T", bound="Task")

_END_SECONDS = 0.4
"""How long who ends a task waits for it to put its state in order."""


class Task(Protocol):
    """What moves a blob."""

    @property
    def completed(self) -> int:
        """Bytes so far."""

    def run(self, stop: threading.Event) -> None:
        """Move it; raises Cancelled soon after ``stop`` was set."""


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


class Transfers:
    """All of them, by what they bring."""

    def __init__(self) -> None:
        self._running: dict[Blob, Transfer[Download]] = {}
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def joined(
        self, blob: "Blob", begin: "Callable[[], Download]"
    ) -> Iterator[tuple["Transfer[Download]", bool]]:
        """Listen to a blob's download, and say whether it was begun for us.

        It goes on as long as somebody listens.
        """
        with self._lock:
            transfer = self._running.get(blob)
            own = transfer is None or transfer.done.is_set()
            if transfer is None or own:
                transfer = Transfer(begin())
                transfer.start()
                self._running[blob] = transfer
            transfer.listeners += 1
        try:
            yield transfer, own
        finally:
            self._leave(blob, transfer)

    def _leave(self, blob: "Blob", transfer: "Transfer[Download]") -> None:
        with self._lock:
            transfer.listeners -= 1
            last = not transfer.listeners
            if last and self._running.get(blob) is transfer:
                del self._running[blob]
        if last:
            transfer.end()
