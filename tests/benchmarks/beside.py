"""Decode speed beside somebody who is busy: another process, or a cell of the same kernel."""

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from ollama_nb.engine.host import Host
from ollama_nb.engine.local import LocalHost
from ollama_nb.engine.worker import WorkerHost

from .engine import DEFAULT, Engine, spec_of
from .models import Measured
from .table import Rounds, Row

_NUM_DECODE = 128
_NS = 1e9
_Company = Callable[[], AbstractContextManager[None]]


def beside_rows(model: Measured, *, rounds: int) -> list[Row]:
    """In turns: ours in company, and ours alone."""
    process, cell, cell_worker = (Rounds() for _ in range(3))
    for _ in range(rounds):
        process.note(
            _speed(model, LocalHost(), _busy_process), _speed(model, LocalHost(), threads=1)
        )
        cell.note(_speed(model, LocalHost(), _busy_cell), _speed(model, LocalHost()))
        cell_worker.note(_speed(model, WorkerHost(), _busy_cell), _speed(model, WorkerHost()))
    return [
        process.row(f"{model.name}: beside a busy process / one thread, alone", "≥ 0.85"),
        cell.row(f"{model.name}: beside a busy cell / alone, in the kernel"),
        cell_worker.row(f"{model.name}: beside a busy cell / alone, in a worker"),
    ]


def _speed(
    model: Measured, host: Host, company: _Company = nullcontext, *, threads: int = 0
) -> float:
    """Load, and measure once the company is there."""
    engine = Engine(spec_of(model.path, threads=threads), host)
    try:
        with company():
            engine.run(1, 2, DEFAULT)
            decode = engine.run(1, _NUM_DECODE + 1, DEFAULT)
    finally:
        engine.close()
    if decode.eval_count < _NUM_DECODE // 2:
        raise RuntimeError(f"the answer had {decode.eval_count} tokens only")
    return (decode.eval_count - 1) / decode.eval_ns * _NS


@contextmanager
def _busy_process() -> Iterator[None]:
    """A child that spins."""
    with subprocess.Popen(
        [sys.executable, "-c", "print(flush=True)\nwhile True: pass"], stdout=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        child.stdout.readline()
        try:
            yield
        finally:
            child.kill()


@contextmanager
def _busy_cell() -> Iterator[None]:
    """A thread that computes in Python, as a cell does."""
    over = False

    def spin() -> None:
        count = 0
        while not over:
            count += 1

    thread = threading.Thread(target=spin)
    thread.start()
    try:
        yield
    finally:
        over = True
        thread.join()
