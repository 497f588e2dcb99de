"""Many streams at once, in the process, against llama-server with the same number of slots."""

import random
from pathlib import Path

from .engine import Engine, endless, spec_of
from .llama_server import llama_server
from .models import Measured
from .table import Rounds, Row

_NUM_PROMPT, _NUM_DECODE = 64, 128
_WINDOW = 2560
_DEEP = 2048
_COUNTS = (1, 4, 8, 16)


def stream_rows(program: Path, model: Measured, *, threads: int, rounds: int) -> list[Row]:
    """Total speed at several numbers of streams, and at depth."""
    rows = []
    for count in _COUNTS:
        figures = Rounds()
        for round_ in range(rounds):
            prompts = _prompts(count, _NUM_PROMPT, seed=round_)
            _compare(program, model, prompts, threads, figures)
        rows.append(figures.row(f"{model.name}: {count} streams", "≥ 1.0"))
    deep = Rounds()
    for round_ in range(min(rounds, 2)):
        _compare(program, model, _prompts(16, _DEEP, seed=round_), threads, deep, warm=True)
    rows.append(deep.row(f"{model.name}: 16 streams, depth {_DEEP}, prompts cached", "≥ 2"))
    return rows


def _prompts(count: int, length: int, *, seed: int) -> list[list[int]]:
    draw = random.Random(seed)
    return [[draw.randrange(256) for _ in range(length)] for _ in range(count)]


def _compare(
    program: Path, model: Measured, prompts: list[list[int]], threads: int, figures: Rounds,
    *, warm: bool = False,
) -> None:  # fmt: skip
    """One round of each; ``warm``: the prompts are in the cache already, so generation counts."""
    slots = len(prompts)
    with llama_server(program, model.path, threads=threads, slots=slots, window=_WINDOW) as server:
        server.streams(prompts if warm else _prompts(slots, 8, seed=99), 2)
        other = server.streams(prompts, _NUM_DECODE)
    spec = spec_of(model.path, threads=threads, num_parallel=slots, num_ctx=_WINDOW)
    engine = Engine(spec)
    try:
        with endless():
            engine.streams(prompts if warm else _prompts(slots, 8, seed=99), 2)
            ours = engine.streams(prompts, _NUM_DECODE)
    finally:
        engine.close()
    figures.note(ours, other)
