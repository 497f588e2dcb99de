"""Waiting where the stop button must get through: on the main thread of a kernel."""

import time
from queue import Empty, SimpleQueue
from typing import TypeVar

_T = TypeVar("_T")

_LOOK_SECONDS = 0.5


def wait_for(mail: SimpleQueue[_T], seconds: float | None = None) -> _T:
    """Take what comes next. Raises Empty after ``seconds``, if they are given.

    No single wait is long: a signal that comes between the interpreter's last look for one and the
    system call is seen only when the wait is over.
    """
    end = None if seconds is None else time.monotonic() + seconds
    while True:
        left = _LOOK_SECONDS if end is None else min(_LOOK_SECONDS, end - time.monotonic())
        try:
            return mail.get(timeout=max(left, 0))
        except Empty:
            if end is not None and time.monotonic() >= end:
                raise
