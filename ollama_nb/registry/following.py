"""Hashing a file while it is still being written, as far as it is there without a gap."""

import hashlib
import os
import threading
from collections.abc import Callable

_PIECE = 1 << 20
_STEP_SECONDS = 0.005


class Follower:
    """Hashes the first ``total`` bytes of a file on a thread of its own. Use it in a ``with``."""

    def __init__(self, descriptor: int, total: int, prefix: Callable[[], int]) -> None:
        self._descriptor = descriptor
        self._total = total
        self._prefix = prefix
        self._hash = hashlib.sha256()
        self._at = 0
        self._ended = threading.Event()
        self._failure: OSError | None = None
        self._thread = threading.Thread(target=self._run, name="ollama-nb-hash", daemon=True)

    def __enter__(self) -> "Follower":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def digest(self, seconds: float) -> str | None:
        """``sha256:…`` of the whole file; None if it is not ready within this time.

        Raises OSError where it cannot be read.
        """
        self._thread.join(seconds)
        if self._failure:
            raise self._failure
        return None if self._thread.is_alive() else f"sha256:{self._hash.hexdigest()}"

    def _run(self) -> None:
        buffer = memoryview(bytearray(_PIECE))
        try:
            while self._at < self._total and not self._ended.is_set():
                there = max(0, min(self._prefix() - self._at, _PIECE))
                count = os.preadv(self._descriptor, [buffer[:there]], self._at)
                if count:
                    self._hash.update(buffer[:count])
                    self._at += count
                else:
                    self._ended.wait(_STEP_SECONDS)
        except OSError as error:
            self._failure = error
