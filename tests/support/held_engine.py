"""The engine of this process, held in the middle of its work: nothing is left to its speed."""

import itertools
import threading

from ollama_nb.engine import native

PATIENCE = 180


class Gate(threading.Event):
    """Opened by ``set``; ``reached`` is set when somebody stands before it."""

    def __init__(self):
        super().__init__()
        self.reached = threading.Event()


def hold_after(monkeypatch, steps):
    """Let it take so many steps, and the others when the gate that is returned is opened."""
    gate, taken, decode = Gate(), itertools.count(), native.Context.decode

    def held(self, batch, threads):
        if next(taken) >= steps:
            gate.reached.set()
            assert gate.wait(PATIENCE)
        return decode(self, batch, threads)

    monkeypatch.setattr(native.Context, "decode", held)
    return gate
