"""The host that is a child process: one for each loaded model.

A native fault then costs the requests under way and a reload, never the server; the memory of an
unloaded model is all given back; and a busy interpreter here does not slow the engine there.
"""

import contextlib
import itertools
import logging
import os
import signal
import socket
import subprocess
import tempfile
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from typing import Any

from ollama_nb.errors import BadRequest, EngineError

from .child import child_command
from .frames import (
    LOAD,
    Beat,
    Cancel,
    Channel,
    Close,
    Detokenize,
    Fault,
    Load,
    Loaded,
    Order,
    Report,
    Result,
    Submit,
    Tidings,
    Tokenize,
)
from .host import Emit, LoadedModel, Vocabulary, check_not_forked
from .sequence import Event, Picture, Request
from .spec import LoadSpec

_log = logging.getLogger(__name__)

_SILENCE_S = 20.0
"""A worker gives a sign of life every other second; after this long it counts as hung."""
_LOAD_SILENCE_S = 120.0
"""While it starts, slow disks may keep the interpreter itself from working."""
_PARTING_S = 10.0
"""How long a worker may take to leave."""
_LAST_WORDS = 400
_CHILD = """
from ollama_nb.engine.worker_process import main
main(int(sys.argv[1]))
"""


class WorkerHost:
    """Each model lives in a process of its own."""

    def load(self, spec: LoadSpec) -> LoadedModel:
        """Start the process and wait until the model is ready. Raises LoadFailed, EngineError."""
        return RemoteModel(spec)


def _shut(end: socket.socket) -> None:
    """Let the reader find the end, if nothing can be sent any more."""
    with contextlib.suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)


class RemoteModel:
    """A LoadedModel in a child process."""

    vocabulary: Vocabulary

    def __init__(self, spec: LoadSpec) -> None:
        """Spawn, load, wait. Raises LoadFailed or EngineError."""
        self._pid = os.getpid()
        self._numbers = itertools.count(LOAD + 1)
        self._calls: dict[int, Future[Any]] = {LOAD: Future()}
        self._emits: dict[int, Emit] = {}
        self._lock = threading.Lock()
        self._closing = False
        self._end = "the model has been unloaded"
        """What is said to who comes later."""
        self._words = tempfile.TemporaryFile()  # noqa: SIM115 - as long as the process lives
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                self._process = self._spawn(theirs)
            except BaseException:
                ours.close()
                self._words.close()
                raise
        self._channel = Channel(ours, Report, lost=lambda: _shut(ours))
        self._channel.expect_within(_LOAD_SILENCE_S)
        self._reader = threading.Thread(target=self._read, name="ollama-nb-worker", daemon=True)
        loading = self._calls[LOAD]
        self._reader.start()
        try:
            self._send(Load(spec))
            self.vocabulary = loading.result()
            self._channel.expect_within(_SILENCE_S)
        except BaseException:  # an interrupt, too: nobody will own what is being loaded
            self._process.kill()
            self._reader.join()
            raise

    def _spawn(self, end: socket.socket) -> "subprocess.Popen[bytes]":
        # A session of its own: the interrupt of a terminal is for us, who cancel what runs.
        return subprocess.Popen(
            child_command(_CHILD, str(end.fileno())),
            pass_fds=(end.fileno(),),
            stdin=subprocess.DEVNULL,
            stdout=self._words,
            stderr=self._words,
            start_new_session=True,
        )

    # -- LoadedModel ---------------------------------------------------------------------------

    @property
    def alive(self) -> bool:
        """See LoadedModel."""
        return not self._closing

    def tokenize(self, parts: Sequence[str | Picture], *, start: bool) -> list[int]:
        """See LoadedModel."""
        whole = [
            part.encode("utf-8", "replace").decode() if isinstance(part, str) else part
            for part in parts
        ]
        tokens: list[int] = self._call(lambda call: Tokenize(call, whole, start))
        return tokens

    def detokenize(self, tokens: list[int]) -> str:
        """See LoadedModel."""
        text: str = self._call(lambda call: Detokenize(call, tokens))
        return text

    def submit(self, request: Request, emit: Emit) -> int:
        """See LoadedModel."""
        check_not_forked(self._pid)
        number = next(self._numbers)
        with self._lock:
            self._emits[number] = emit
        try:
            self._call(lambda _: Submit(number, request), number)
        except BaseException:  # refused, or the caller was interrupted
            self.cancel(number)
            with self._lock:
                self._emits.pop(number, None)
            raise
        return number

    def cancel(self, number: int) -> None:
        """See LoadedModel."""
        if number in self._emits and os.getpid() == self._pid:
            self._channel.send(Cancel(number))

    def close(self) -> None:
        """See LoadedModel."""
        if os.getpid() != self._pid:
            return  # a fork's own end is none of the worker's
        with self._lock:
            already, self._closing = self._closing, True
        if not already:
            self._channel.send(Close())
        try:
            self._process.wait(_PARTING_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
        self._reader.join()

    # -- between the processes -----------------------------------------------------------------

    def _call(self, order: Any, number: int = 0) -> Any:
        """Send what ``order`` makes of a call's number; wait for the result, raise the fault."""
        check_not_forked(self._pid)
        call = number or next(self._numbers)
        future: Future[Any] = Future()
        with self._lock:
            if self._closing:
                raise EngineError(self._end)
            self._calls[call] = future
        try:
            self._send(order(call))
            return future.result()
        finally:
            with self._lock:
                self._calls.pop(call, None)

    def _send(self, order: Order) -> None:
        try:
            self._channel.send(order)
        except (UnicodeEncodeError, OverflowError) as error:
            raise BadRequest(f"the request holds what cannot be sent: {error}") from None

    def _read(self) -> None:
        """Pass on what the worker reports until it is gone; the reader's whole life."""
        how = "ended"
        try:
            while (report := self._channel.receive()) is not None:
                self._take(report)
        except TimeoutError:
            silence = self._channel.patience_s
            how = f"has not been heard of for {silence:.0f} seconds and was ended"
        except Exception as error:  # noqa: BLE001 - a worker gone mad ends like one that died
            how = f"said what could not be understood ({error}) and was ended"
        self._bury(how)

    def _take(self, report: Report) -> None:
        match report:
            case Tidings(number, event):
                self._tell(number, event, last=event.done)
            case Loaded(vocabulary):
                self._settle(LOAD, vocabulary)
            case Result(call, value):
                self._settle(call, value)
            case Fault(call):
                with self._lock:
                    future = self._calls.pop(call, None)
                if future is not None:
                    future.set_exception(report.error())
                else:
                    self._tell(call, report.error(), last=True)
            case Beat():
                pass

    def _settle(self, call: int, value: Any) -> None:
        with self._lock:
            future = self._calls.pop(call, None)
        if future is not None:
            future.set_result(value)

    def _tell(self, number: int, event: Event | Exception, *, last: bool) -> None:
        """A consumer that fails loses its own answer, never this thread."""
        with self._lock:
            emit = self._emits.pop(number, None) if last else self._emits.get(number)
        if emit is None:
            return
        try:
            emit(event)
        except Exception:  # noqa: BLE001 - whatever it is, it is the consumer's
            _log.exception("a consumer of the engine failed")
            self.cancel(number)

    def _bury(self, how: str) -> None:
        """Make sure the process is gone, and tell everyone who waits for it."""
        self._process.kill()
        status = self._process.wait()
        if how == "ended" and status < 0:
            names = {one.value: one.name for one in signal.Signals}
            how = f"was ended by {names.get(-status, f'signal {-status}')}"
        with self._lock:
            if not self._closing:
                self._end = f"the model's process {how}; the next request loads it again"
                self._end += self._last_words()
            self._closing = True
            calls, numbers = list(self._calls.values()), list(self._emits)
            self._calls.clear()
        error = EngineError(self._end)
        self._channel.close()
        self._words.close()
        for future in calls:
            future.set_exception(error)
        for number in numbers:
            self._tell(number, error, last=True)

    def _last_words(self) -> str:
        """What it wrote before it died, such as a failed assertion."""
        size = self._words.seek(0, os.SEEK_END)
        self._words.seek(max(0, size - _LAST_WORDS))
        lines = self._words.read().decode("utf-8", "replace").strip().splitlines()
        return f" (it said: {lines[-1]})" if lines else ""
