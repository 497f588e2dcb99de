"""The child process of a worker: a Runner, and a socket in front of it."""

import os
import signal
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

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
    Result,
    Submit,
    Tidings,
    Tokenize,
)
from .sequence import Event, Request

_BEAT_S = 2.0


def main(descriptor: int) -> None:
    """Serve the process at the other end until it says so, or is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    channel = Channel(socket.socket(fileno=descriptor), Order, lost=lambda: os._exit(0))
    threading.Thread(target=_beat, args=(channel,), daemon=True).start()
    try:
        _Worker(channel).serve()
        channel.close()
    finally:
        # Not by way of the interpreter's end: threads may still be inside native code.
        os._exit(0)


def _beat(channel: Channel) -> None:
    pause = threading.Event()
    while not pause.wait(_BEAT_S):
        channel.send(Beat())


class _Worker:
    """Takes orders on one thread; answers what may take long from a few others."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._numbers: dict[int, int] = {}
        """The runner's number of each sequence; 0 until it has one."""
        self._cancelled: set[int] = set()
        """Sequences that were cancelled before they had a number."""
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(4)

    def serve(self) -> None:
        """Load, then take orders until the last one."""
        order = self._channel.receive()
        if not isinstance(order, Load):
            return
        from .runner import Runner

        try:
            self._runner = Runner(order.spec)
        except Exception as error:  # noqa: BLE001 - raised again at the other end
            self._channel.send(Fault.of(LOAD, error))
            return
        self._channel.send(Loaded(self._runner.vocabulary))
        while (order := self._channel.receive()) is not None:
            match order:
                case Close():
                    self._runner.close()
                    return
                case Cancel(call):
                    self._cancel(call)
                case _:
                    if isinstance(order, Submit):
                        self._numbers[order.call] = 0
                    self._pool.submit(self._answer, order)

    def _answer(self, order: Any) -> None:
        try:
            self._channel.send(Result(order.call, self._perform(order)))
        except BaseException as error:  # noqa: BLE001 - whatever it is, somebody waits for it
            with self._lock:
                self._numbers.pop(order.call, None)
                self._cancelled.discard(order.call)
            self._channel.send(Fault.of(order.call, error))

    def _perform(self, order: Tokenize | Detokenize | Submit) -> list[int] | str | None:
        match order:
            case Tokenize(_, parts, start):
                return self._runner.tokenize(parts, start=start)
            case Detokenize(_, tokens):
                return self._runner.detokenize(tokens)
            case Submit(call, request):
                self._submit(call, request)
                return None

    def _submit(self, call: int, request: Request) -> None:
        def emit(event: Event | Exception) -> None:
            report = Fault.of(call, event) if isinstance(event, Exception) else Tidings(call, event)
            if isinstance(event, Exception) or event.done:
                with self._lock:
                    self._numbers.pop(call, None)
            self._channel.send(report)

        number = self._runner.submit(request, emit)
        with self._lock:
            if call in self._numbers:  # it may have ended already
                self._numbers[call] = number
            cancelled = call in self._cancelled
            self._cancelled.discard(call)
        if cancelled:
            self._runner.cancel(number)

    def _cancel(self, call: int) -> None:
        with self._lock:
            number = self._numbers.get(call)
            if number == 0:
                self._cancelled.add(call)
        if number:
            self._runner.cancel(number)
