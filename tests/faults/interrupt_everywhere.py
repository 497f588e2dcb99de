"""Run in a process of its own: press the stop button at every moment between asking and answer.

Python notices an interrupt where a function begins and where native code has returned. A profile
function is called at just these moments and may raise, so that each of them can be tried in turn.
Writes a JSON line to standard error for every moment after which something stayed behind.
"""

import json
import os
import sys
import threading
import time
from pathlib import Path

from IPython.core.interactiveshell import InteractiveShell

import ollama_nb
from ollama_nb.service import shared
from ollama_nb.wire import GenerateRequest

PACKAGE = Path(ollama_nb.__file__).parent
THREADING = Path(threading.__file__)
FOLDERS = ("engine", "service", "commands", "magics")
SHAPE = {"num_ctx": 512, "num_thread": 1}
CELL = "generate -m endless --options num_predict=1000000 temperature=1.5 num_ctx=512 num_thread=1"
SETTLING = 60.0
"""Seconds that whoever cleans up may take. What nobody cleans up is given them once a kind."""
LOOKS = 6000


class Interrupt:
    """Raise KeyboardInterrupt at the moment of this number, counted from a verb's beginning."""

    def __init__(self, number):
        self.left = number
        self.begun = False
        self.place = ""

    def __call__(self, frame, event, argument):
        self.begun = self.begun or frame.f_code.co_name == "generate"
        if not self.begun or event not in ("call", "c_return") or not self._is_ours(frame):
            return
        self.left -= 1
        if not self.left:
            code = frame.f_code
            self.place = f"{Path(code.co_filename).name}:{frame.f_lineno} {code.co_name} ({event})"
            raise KeyboardInterrupt

    def _is_ours(self, frame):
        """Ours, or Python's for threads, which an interrupt can leave with a lock held."""
        path = Path(frame.f_code.co_filename)
        if path == THREADING:
            return True
        return path.is_relative_to(PACKAGE) and path.relative_to(PACKAGE).parts[0] in FOLDERS


class Output:
    """Standard output: the first text of an answer is where the trials end."""

    interrupt = Interrupt(0)

    def write(self, text):
        if not self.interrupt.place:
            self.interrupt.left = 0
            raise KeyboardInterrupt

    def flush(self):
        pass


def ask(shell, interrupt):
    """Run a cell, and press the stop button in it."""
    Output.interrupt = interrupt
    sys.stdout = Output()
    sys.setprofile(interrupt)
    try:
        shell.run_cell_magic("ollama", CELL, "Hello")
    except KeyboardInterrupt:
        pass
    finally:
        sys.setprofile(None)
        sys.stdout = sys.__stdout__


def is_held(locked):
    """Whether a lock stays locked, however often one looks."""
    for _ in range(LOOKS):
        if not locked():
            return False
        time.sleep(0.01)
    return True


def left_behind(service, known):
    """What an interrupt should not leave: a lock, a turn, a lease, a sequence; or nothing."""
    scheduler = service.scheduler
    if is_held(scheduler._changed._is_owned) or is_held(scheduler._loading.locked):
        return "lock"
    if not borrowed(scheduler):
        return ""
    # Once another answer is complete, the engine has ended all that were cancelled before.
    options = {"num_predict": 2, **SHAPE}
    service.generate(GenerateRequest(model="endless", prompt="a", options=options)).fold()
    end = time.monotonic() + SETTLING
    while (left := borrowed(scheduler)) and left not in known and time.monotonic() < end:
        time.sleep(0.01)
    return left


def borrowed(scheduler):
    """What the scheduler and the engine think is under way."""
    (loaded,) = scheduler._loaded.values()
    if scheduler._loads:
        return "turn"
    if loaded.leases:
        return "lease"
    return "sequence" if loaded.runner._known else ""


def warm():
    """A service of this process that has the model loaded."""
    service = shared.shared_service()
    request = GenerateRequest(model="endless", prompt="", options=SHAPE)
    service.generate(request).fold()
    return service


def main(report):
    """Try one moment after another, until an answer is written."""
    shell = InteractiveShell.instance()
    shell.run_line_magic("load_ext", "ollama_nb")
    service = warm()
    number, known = 0, set()
    while True:
        number += 1
        interrupt = Interrupt(number)
        ask(shell, interrupt)
        if not interrupt.place:
            break
        left = left_behind(service, known)
        if left:
            known.add(left)
            report([left, interrupt.place])
            if left == "lock":  # nobody can close that one any more
                shared._service = None
            else:
                shared.close_shared_service()
            service = warm()
    report(["moments", number])
    os._exit(0)


if __name__ == "__main__":
    main(lambda entry: sys.stderr.write(json.dumps(entry) + "\n"))
