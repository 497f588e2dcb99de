"""Load a model that was just made, once, and compute one step with it: in a child process.

The gate has judged its header; whether llama.cpp can compute with its numbers shows here. On the
CPU and with the smallest window, so that only the weights' size decides whether there is room.
"""

import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ollama_nb.errors import EngineError, LoadFailed
from ollama_nb.gguf import Header, check_model
from ollama_nb.settings import Settings
from ollama_nb.wire.options import Options

from .child import do_task, run_task
from .local import LocalHost
from .memory import fit
from .sequence import Vectors
from .spec import Beside, LoadSpec, load_spec
from .trial import one_step

_CHILD = """
from ollama_nb.engine.first_load import main
main(*sys.argv[1:])
"""
_SMALL = Options(num_ctx=64, num_batch=64, num_gpu=0)


def first_load(header: Header, adapters: Sequence[Path], *, stop: threading.Event) -> bool:
    """Try the model of ``header`` with adapters; False: memory does not suffice to try it.

    Raises LoadFailed for a model that cannot be used, and Cancelled soon after ``stop`` is set.
    """
    if not _fits(header, adapters):
        return False
    paths = [str(path) for path in (header.path, *adapters)]
    try:
        run_task(_CHILD, *paths, told=lambda _: None, stop=stop)
    except EngineError as error:
        raise LoadFailed(header.path.name, f"a trial of it failed: {error}") from None
    return True


def _fits(header: Header, adapters: Sequence[Path]) -> bool:
    try:
        fit(header, _spec(header, adapters))
    except EngineError:
        return False
    return True


def _spec(header: Header, adapters: Sequence[Path]) -> LoadSpec:
    settings = Settings.from_environment({"OLLAMA_NUM_PARALLEL": "1"})
    return load_spec(header.path, header, _SMALL, settings, Beside(None, tuple(adapters)))


def main(path: str, *adapters: str) -> None:
    """In the child: load and compute, and say what goes wrong."""
    do_task(lambda _: _try(Path(path), [Path(adapter) for adapter in adapters]))


def _try(path: Path, adapters: Sequence[Path]) -> None:
    spec = _spec(check_model(path), adapters)
    try:
        model = LocalHost().load(spec)
    except LoadFailed as error:
        raise EngineError(error.fault) from None
    for event in one_step(model, spec):
        if isinstance(event, Exception):
            raise event
        if isinstance(event, Vectors) and not np.isfinite(np.frombuffer(event.data, "<f4")).all():
            raise EngineError("what it computes are no numbers (NaN)")
