"""Decode and prompt speed of our engine against llama-bench, in turns."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from ollama_nb.settings import Settings

from .engine import DEFAULT, GREEDY, Engine, InKernel, endless, spec_of
from .llama_bench import Speeds, run_program
from .models import Measured
from .table import Rounds, Row

_NUM_DECODE = 128
_Open = Callable[[], Engine | InKernel]


def speed_rows(
    program: Path, model: Measured, settings: Settings, *, threads: int, rounds: int
) -> list[Row]:
    """Rows with ``threads`` on both sides, then rows as users get it (our default threads)."""
    sizes = (model.num_prompt, _NUM_DECODE)
    own = spec_of(model.path, threads=threads)
    ways: dict[str, tuple[_Open, dict[str, Any]]] = {
        "engine, greedy": (lambda: Engine(own), GREEDY),
        "engine, default sampling": (lambda: Engine(own), DEFAULT),
        "in-kernel stream, default sampling": (
            lambda: InKernel(settings, model.name, threads=threads),
            DEFAULT,
        ),
        "engine, default threads": (lambda: Engine(spec_of(model.path, threads=0)), DEFAULT),
    }
    decode, prompt = ({way: Rounds() for way in ways} for _ in range(2))
    for _ in range(rounds):
        other = run_program(
            program, model.path, threads=threads, num_prompt=sizes[0], num_decode=sizes[1]
        )
        for way, (open_it, sampling) in ways.items():
            ours = _measure(open_it, sizes, sampling)
            decode[way].note(ours.decode, other.decode)
            prompt[way].note(ours.prompt, other.prompt)
    return _rows(model, decode, prompt)


def _measure(open_it: _Open, sizes: tuple[int, int], sampling: dict[str, Any]) -> Speeds:
    """Load, measure, close, as llama-bench does.

    Nothing else may be loaded meanwhile: while the OpenMP threads of all loaded models are more
    than the cores, libgomp sleeps at every barrier instead of spinning.
    """
    measured = open_it()
    try:
        with endless():
            return measured.speeds(*sizes, sampling)
    finally:
        measured.close()


def _rows(model: Measured, decode: dict[str, Rounds], prompt: dict[str, Rounds]) -> list[Row]:
    """All ways for decoding; for prompts those that differ."""
    rows = []
    for way, figures in decode.items():
        aim = "" if "threads" in way else model.aim
        rows.append(figures.row(f"{model.name}: decode, {way}", aim))
    for way, figures in prompt.items():
        if "default sampling" not in way or "stream" in way:
            aim = "" if "threads" in way else "≥ 0.97"
            rows.append(figures.row(f"{model.name}: prompt, {way}", aim))
    return rows
