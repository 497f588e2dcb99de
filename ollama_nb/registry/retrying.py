"""Which failures may pass, and how long to wait before trying again."""

import threading

from ollama_nb.errors import (
    RegistryError,
    RegistryRefused,
    RegistryStalled,
    RegistryUnreachable,
    RetriesExceeded,
    UnusableAnswer,
)

from .patience import Patience, sleep

_EXPIRED = (401, 403, 404, 410)
_PASSING = (408, 416, 425, 429)


def may_pass(error: RegistryError) -> bool:
    """Whether the same request may succeed later, from this registry."""
    if isinstance(error, RegistryRefused):
        expired = error.elsewhere and error.code in _EXPIRED
        return expired or error.code in _PASSING or error.code >= 500
    return isinstance(error, RegistryUnreachable | RegistryStalled | UnusableAnswer)


class Tries:
    """Counts failures of one task."""

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._failures = 0

    def forgive(self) -> None:
        """Count from the beginning: the last try was worth it."""
        self._failures = 0

    def failed(self, error: RegistryError, stop: threading.Event) -> None:
        """Wait until it is time to try again. Raises RegistryError if it is not, or Cancelled."""
        if not may_pass(error):
            raise error
        asked = error.wait if isinstance(error, RegistryRefused) else None
        if asked is not None and asked > self._patience.retry_after:
            raise error
        self._failures += 1
        if self._failures >= self._patience.tries:
            raise RetriesExceeded(error) from error
        if not isinstance(error, RegistryStalled):  # which has waited enough
            sleep(self._patience.pause(self._failures, asked), stop)
