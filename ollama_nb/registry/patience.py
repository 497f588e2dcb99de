"""How long transfers wait and how often they try; tests have less patience."""

import random
import threading
import time
from dataclasses import dataclass

from ollama_nb.errors import Cancelled

STEP_SECONDS = 0.1
"""How soon a wait notices that it shall end."""


@dataclass(frozen=True, kw_only=True)
class Patience:
    """Seconds and bytes (reference: models, 3.3; faults, 5)."""

    connect: float = 10
    stall: float = 30
    """Without a byte, before the first one too."""
    answer: float = 600
    """For the answer to an upload: some registries move gigabytes before they give it."""
    rate: int = 1024
    """Bytes a second that have to come on average …"""
    rate_seconds: float = 60
    """… over so long a time of waiting for them."""
    tries: int = 6
    backoff: float = 1
    """After the first failure; twice as long after each further one."""
    most_backoff: float = 32
    retry_after: float = 60
    """The longest time that a registry may ask for."""
    progress: int = 1 << 20
    """A try that brought so many bytes was worth it: they are counted afresh."""
    least_part: int = 100_000_000
    most_part: int = 1_000_000_000
    connections: int = 16
    ramp: float = 0.25
    """Connections are opened one after the other; a fast one near at hand needs few."""
    journal: float = 1
    """How often the state of a download is written down, at least …"""
    journal_bytes: int = 32 << 20
    """… and after so many bytes."""

    def pause(self, failures: int, asked: float | None) -> float:
        """How long to wait after so many failures; or as long as the registry asked for."""
        if asked is not None:
            return asked
        longest = min(self.most_backoff, self.backoff * 2.0 ** (failures - 1))
        return longest * random.uniform(0.75, 1.25)

    def part_size(self, size: int) -> int:
        """Of transfers of so many bytes."""
        return max(self.least_part, min(self.most_part, size // 16))


def sleep(seconds: float, stop: threading.Event) -> None:
    """Wait. Raises Cancelled."""
    if stop.wait(seconds):
        raise Cancelled


class Deadline:
    """A moment after which something has taken too long."""

    def __init__(self, seconds: float | None) -> None:
        self._end = None if seconds is None else time.monotonic() + seconds

    @property
    def passed(self) -> bool:
        """Whether it has come."""
        return self._end is not None and time.monotonic() >= self._end

    @property
    def step(self) -> float:
        """How long to wait before looking again."""
        if self._end is None:
            return STEP_SECONDS
        return max(0.001, min(STEP_SECONDS, self._end - time.monotonic()))
