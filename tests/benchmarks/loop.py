"""How long our server's event loop keeps others waiting while it streams many answers."""

import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import NamedTuple

from ollama_nb.settings import Settings

from .models import Measured
from .own_server import OwnServer, own_server
from .prompts import letter_prompts
from .table import Row

_COUNT = 8
_NUM_PROMPT, _NUM_DECODE = 64, 256
_QUIET_SECONDS = 2.0
_AIMS = {"worker": "≤ 20 ms", "local": ""}
"""By where the engine lives: in a child, as servers have it, and in the server's own process."""


class _Span(NamedTuple):
    begun: float
    ended: float


def loop_rows(model: Measured, settings: Settings, *, rounds: int) -> list[Row]:
    """The 99th percentile of how late a timer runs, with streams and without."""
    return [_row(model, settings, rounds, engine) for engine in _AIMS]


def _row(model: Measured, settings: Settings, rounds: int, engine: str) -> Row:
    environment = {"OLLAMA_NUM_PARALLEL": str(_COUNT), "OLLAMA_NB_ENGINE": engine}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "delays.json"
        program = ("-m", "tests.benchmarks.timed_server", str(file))
        with own_server(settings, model.name, environment=environment, program=program) as server:
            server.streams(letter_prompts(1, 8, seed=99), 2)
            spans = [_round(server, round_) for round_ in range(rounds)]
        delays = json.loads(file.read_text())
    busy = [_percentile(delays, streaming) for _, streaming in spans]
    quiet = [_percentile(delays, waiting) for waiting, _ in spans]
    return Row(
        f"{model.name}: delay of the event loop (p99), {_COUNT} streams, {engine} engine",
        f"{max(busy) * 1e3:.1f} ms worst",
        f"{median(quiet) * 1e3:.1f} ms idle",
        middle=f"{median(busy) * 1e3:.1f} ms",
        aim=_AIMS[engine],
    )


def _round(server: OwnServer, round_: int) -> tuple[_Span, _Span]:
    """A while of nothing, then streams."""
    prompts = letter_prompts(_COUNT, _NUM_PROMPT, seed=round_)
    return _span(lambda: time.sleep(_QUIET_SECONDS)), _span(
        lambda: server.streams(prompts, _NUM_DECODE)
    )


def _span(act: Callable[[], object]) -> _Span:
    """On the clock that the event loop reads as well: it is the same in all processes."""
    begun = time.monotonic()
    act()
    return _Span(begun, time.monotonic())


def _percentile(delays: list[tuple[float, float]], span: _Span) -> float:
    late = sorted(delay for due, delay in delays if span.begun <= due <= span.ended)
    if not late:
        raise RuntimeError("the timer never ran")
    return late[int(0.99 * (len(late) - 1))]
