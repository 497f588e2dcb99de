"""Many streams at once, in the process and over HTTP, against llama-server with as many slots."""

import random
from pathlib import Path

from ollama_nb.settings import Settings

from .engine import VARIED, Engine, endless, spec_of
from .llama_server import llama_server
from .models import Measured
from .own_server import own_server
from .prompts import letter_prompts
from .table import Rounds, Row

_NUM_PROMPT, _NUM_DECODE = 64, 128
_WINDOW = 2560
_DEEP = 2048
_COUNTS = (1, 4, 8, 16)


def stream_rows(
    program: Path, model: Measured, settings: Settings, *, threads: int, rounds: int
) -> list[Row]:
    """Total speed at several numbers of streams, in the process and over HTTP, and at depth."""
    rows = []
    for count in _COUNTS:
        figures = Rounds()
        for round_ in range(rounds):
            prompts = _prompts(count, _NUM_PROMPT, seed=round_)
            _compare(program, model, prompts, threads, figures)
        rows.append(figures.row(f"{model.name}: {count} streams", "≥ 1.0"))
    for count in _COUNTS:
        figures = Rounds()
        for round_ in range(rounds):
            _compare_servers(program, model, settings, count, threads, round_, figures)
        rows.append(figures.row(f"{model.name}: {count} streams, HTTP", "≥ 1.0"))
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


def _compare_servers(
    program: Path, model: Measured, settings: Settings, count: int, threads: int, seed: int,
    figures: Rounds,
) -> None:  # fmt: skip
    """One round of each server, which sample alike; a client's threads read every token."""
    prompts, warm_up = letter_prompts(count, _NUM_PROMPT, seed=seed), letter_prompts(1, 8, seed=99)
    with llama_server(
        program, model.path, threads=threads, slots=count, window=_WINDOW,
        sampling={**VARIED, "repeat_last_n": 64},
    ) as server:  # fmt: skip
        server.streams(warm_up, 2)
        other = server.streams(prompts, _NUM_DECODE)
    environment = {"OLLAMA_NUM_PARALLEL": str(count), "OLLAMA_CONTEXT_LENGTH": str(_WINDOW)}
    with own_server(settings, model.name, threads=threads, environment=environment) as own:
        own.streams(warm_up, 2)
        ours = own.streams(prompts, _NUM_DECODE)
    figures.note(ours, other)
