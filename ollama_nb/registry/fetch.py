"""Filling the parts of a blob from its registry, several at a time, however it behaves."""

import contextlib
import threading
import time
from collections import deque

import httpx

from ollama_nb.errors import (
    Cancelled,
    RegistryError,
    RegistryUnreachable,
    StoreError,
    UnusableAnswer,
)
from ollama_nb.failpoints import hit

from .parts import Part, Partial, Vanished
from .patience import STEP_SECONDS, Patience
from .ranges import wrong_with_range, wrong_with_whole
from .remote import Remote, Repository
from .retrying import Tries


class NoRanges(Exception):
    """The registry gives a blob as a whole only."""


class Fetch:
    """One run over what is missing of a blob."""

    def __init__(
        self,
        partial: Partial,
        digest: str,
        size: int,
        patience: Patience,
        *,
        ranges: bool = True,
    ) -> None:
        """``ranges``: whether to ask for them; without, the blob comes in one stream."""
        self._partial = partial
        self._url = f"blobs/{digest}"
        self._size = size
        self._patience = patience
        self._ranges = ranges
        self._queue = deque(part for part in partial.parts if not part.done)
        self._workers: list[threading.Thread] = []
        self._failures: list[BaseException] = []
        self._halt = threading.Event()
        self._news = threading.Event()

    def run(self, repository: Repository, stop: threading.Event) -> None:
        """Return when nothing is missing any more.

        Raises RegistryError, StoreError, Cancelled, NoRanges or Vanished; what came until then is
        kept and noted.
        """
        with repository.connect(self._patience, self._halt) as remote:
            try:
                self._watch(remote, stop)
            finally:
                self._halt.set()
                for worker in self._workers:
                    worker.join()
                with contextlib.suppress(StoreError):
                    self._partial.save()

    def _watch(self, remote: Remote, stop: threading.Event) -> None:
        began = saved = time.monotonic()
        saved_bytes = self._partial.completed
        while self._queue or any(worker.is_alive() for worker in self._workers):
            now = time.monotonic()
            if self._queue and len(self._workers) <= (now - began) / max(self._patience.ramp, 1e-6):
                self._start(remote)
            self._news.wait(STEP_SECONDS / 2)
            self._news.clear()
            if stop.is_set():
                raise Cancelled
            self._raise_failure()
            more = self._partial.completed - saved_bytes
            if now - saved >= self._patience.journal or more >= self._patience.journal_bytes:
                saved, saved_bytes = now, saved_bytes + more
                self._partial.save()
                self._check_there()
        self._raise_failure()
        self._check_there()

    def _start(self, remote: Remote) -> None:
        if len(self._workers) < self._patience.connections:
            worker = threading.Thread(
                target=self._work, args=(remote,), name="ollama-nb-fetch", daemon=True
            )
            self._workers.append(worker)
            worker.start()

    def _work(self, remote: Remote) -> None:
        try:
            while not self._halt.is_set():
                self._complete(self._queue.popleft(), remote)
        except IndexError:
            pass
        except BaseException as error:  # noqa: BLE001 - raised again by who watches
            self._failures.append(error)
        finally:
            self._news.set()

    def _complete(self, part: Part, remote: Remote) -> None:
        tries = Tries(self._patience)
        while not part.done:
            before = part.completed
            try:
                self._request(part, remote)
            except RegistryError as error:
                if part.completed - before >= self._patience.progress:
                    tries.forgive()
                tries.failed(error, self._halt)
        hit("part-done")

    def _request(self, part: Part, remote: Remote) -> None:
        if not self._ranges:
            part.completed = 0
        span = f"bytes={part.start}-{part.end - 1}"
        with remote.answer("GET", self._url, {"Range": span} if self._ranges else {}) as response:
            if wrong := self._wrong(part, remote.plain(response)):
                raise UnusableAnswer(remote.repository.host, wrong)
            for piece in response.iter_raw():
                if part.completed + len(piece) > part.size:
                    raise UnusableAnswer(remote.repository.host, "it does not end where it should")
                self._partial.write(piece, part.start)
                part.completed += len(piece)
        if not part.done:
            raise RegistryUnreachable(remote.repository.host, "it ended too early")

    def _wrong(self, part: Part, response: httpx.Response) -> str:
        """What is wrong with an answer. Raises NoRanges where that is all."""
        if response.status_code == 206 and self._ranges:
            return wrong_with_range(response, part.start, part.end - 1, self._size)
        if response.status_code != 200:
            return f"status {response.status_code}"
        wrong = wrong_with_whole(response, self._size)
        if not wrong and (part.start, part.end) != (0, self._size):
            raise NoRanges
        return wrong

    def _check_there(self) -> None:
        if self._partial.lost:
            raise Vanished

    def _raise_failure(self) -> None:
        """The first one that is no consequence of another."""
        for failure in self._failures:
            if not isinstance(failure, Cancelled):
                raise failure
