"""How long a model takes to load, against the same calls of llama.cpp with nothing around them."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from llama_cpp import llama_cpp as lib

from ollama_nb.engine import native
from ollama_nb.engine.host import Host
from ollama_nb.engine.local import LocalHost
from ollama_nb.engine.spec import LoadSpec
from ollama_nb.engine.worker import WorkerHost

from .engine import spec_of
from .models import Measured
from .table import Rounds, Row

_CALLS = ("llama_model_load_from_file", "llama_init_from_model")


def load_rows(model: Measured, *, rounds: int) -> list[Row]:
    """In turns, all in this process but the worker; the file is in the system's cache."""
    spec = spec_of(model.path, threads=0)
    parameters = _parameters(spec)
    weights, whole, beyond, worker = (Rounds() for _ in range(4))
    for round_ in range(rounds + 1):
        bare_weights, bare_whole = _bare(spec, parameters)
        own_weights = _weights(spec)
        in_process, in_worker = _load(LocalHost(), spec), _load(WorkerHost(), spec)
        if round_:  # the first one has filled caches
            weights.note(own_weights, bare_weights)
            whole.note(in_process, bare_whole)
            beyond.note(in_process, bare_weights)
            worker.note(in_worker, bare_whole)
    return [
        weights.time_row(f"{model.name}: load, weights and vocabulary", "≤ 1.1"),
        whole.time_row(f"{model.name}: load, with context", "≤ 1.1"),
        beyond.time_row(f"{model.name}: load, with context / bare weights"),
        worker.time_row(f"{model.name}: load, with context, in a new process"),
    ]


def _load(host: Host, spec: LoadSpec) -> float:
    begun = time.perf_counter()
    model = host.load(spec)
    spent = time.perf_counter() - begun
    model.close()
    return spent


def _weights(spec: LoadSpec) -> float:
    begun = time.perf_counter()
    model = native.Model(spec)
    spent = time.perf_counter() - begun
    model.close()
    return spent


def _bare(spec: LoadSpec, parameters: dict[str, Any]) -> tuple[float, float]:
    """Seconds until the weights are there, and until the context is there as well."""
    load, init = _CALLS
    begun = time.perf_counter()
    model = lib.llama_model_load_from_file(os.fsencode(spec.path), parameters[load])
    weights = time.perf_counter() - begun
    context = lib.llama_init_from_model(model, parameters[init])
    whole = time.perf_counter() - begun
    if not (model and context):
        raise RuntimeError("llama.cpp did not load the model")
    lib.llama_free(context)
    lib.llama_model_free(model)
    return weights, whole


def _parameters(spec: LoadSpec) -> dict[str, Any]:
    """What our own load gives to llama.cpp's calls, by their names."""
    with _recorded() as parameters:
        LocalHost().load(spec).close()
    # It points to memory of the context that is gone.
    parameters["llama_init_from_model"].abort_callback = lib.ggml_abort_callback()
    return parameters


@contextmanager
def _recorded() -> Iterator[dict[str, Any]]:
    """Keep the last argument of every call."""
    parameters: dict[str, Any] = {}
    originals = {name: getattr(lib, name) for name in _CALLS}

    def recording(name: str) -> Any:
        def record(what: Any, given: Any) -> Any:
            parameters[name] = given
            return originals[name](what, given)

        return record

    for name in _CALLS:
        setattr(lib, name, recording(name))
    try:
        yield parameters
    finally:
        for name, original in originals.items():
            setattr(lib, name, original)
