"""Eight streams at once, against the Python servers over the same library. No aim: told only."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Protocol

from ollama_nb.settings import Settings

from .engine import VARIED, Engine, endless, spec_of
from .models import Measured
from .own_server import own_server
from .peer_servers import CompletionServer
from .prompts import letter_prompts
from .table import Rounds, Row

_COUNT = 8
_NUM_PROMPT, _NUM_DECODE = 64, 128
_WINDOW = 512


class _Serve(Protocol):
    def __call__(
        self, model: Path, *, threads: int, slots: int, window: int
    ) -> AbstractContextManager[CompletionServer]:
        """Run the other server while this is open."""


_Streams = Callable[[list[list[int]], int], float]


def peer_rows(
    name: str, serve: _Serve, model: Measured, settings: Settings, *, threads: int, rounds: int
) -> list[Row]:
    """Total speed of ours, over HTTP and in the process, against one other server."""
    http, process = Rounds(), Rounds()
    for round_ in range(rounds):
        with serve(model.path, threads=threads, slots=_COUNT, window=_WINDOW) as server:
            other = _measured(server.streams, round_)
        http.note(_over_http(model, settings, threads, round_), other)
        process.note(_in_process(model, threads, round_), other)
    return [
        http.row(f"{model.name}: {_COUNT} streams over HTTP / {name}"),
        process.row(f"{model.name}: {_COUNT} streams in process / {name}"),
    ]


def _measured(streams: _Streams, round_: int) -> float:
    """Tokens per second, after requests that load what has to be loaded."""
    streams(letter_prompts(_COUNT, 8, seed=99), 2)
    return streams(letter_prompts(_COUNT, _NUM_PROMPT, seed=round_), _NUM_DECODE)


def _over_http(model: Measured, settings: Settings, threads: int, round_: int) -> float:
    environment = {"OLLAMA_NUM_PARALLEL": str(_COUNT), "OLLAMA_CONTEXT_LENGTH": str(_WINDOW)}
    with own_server(settings, model.name, threads=threads, environment=environment) as server:
        return _measured(server.streams, round_)


def _in_process(model: Measured, threads: int, round_: int) -> float:
    spec = spec_of(model.path, threads=threads, num_parallel=_COUNT, num_ctx=_WINDOW)
    engine = Engine(spec)
    try:
        with endless():
            return _measured(partial(engine.streams, sampling=VARIED), round_)
    finally:
        engine.close()
