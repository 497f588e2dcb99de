"""``python -m tests.benchmarks [part …]``: measure in turns and print one table."""

import argparse
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

# First of all, since it silences llama.cpp's log.
from ollama_nb.engine import native  # noqa: F401
from ollama_nb.engine.threads import usable_cores

from .costs import cost_rows, interrupt_rows
from .http_cost import http_rows
from .machine import describe
from .models import FASTEST, find_models
from .programs import find_program
from .speed import speed_rows
from .startup import startup_rows
from .streams import stream_rows
from .table import Row, render

_PARTS = ("speed", "streams", "cost", "http", "interrupt", "startup")
_ROUNDS = 5


def main() -> None:
    """Run the parts that were named, or all."""
    arguments = _arguments()
    print("\n".join(describe()), flush=True)
    with tempfile.TemporaryDirectory() as folder:
        rows = [row for part in _parts(arguments, Path(folder)) for row in _run(*part)]
    print(f"\n{render(rows)}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="part", help=", ".join(_PARTS))
    parser.add_argument("--rounds", type=int, default=_ROUNDS)
    parser.add_argument("--threads", type=int, default=usable_cores(), help="on both sides")
    parser.add_argument("--model", help="only models whose name contains this")
    arguments = parser.parse_args()
    if unknown := set(arguments.parts) - set(_PARTS):
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    return arguments


def _parts(
    arguments: argparse.Namespace, folder: Path
) -> Iterator[tuple[str, Callable[[], list[Row]]]]:
    """What to measure, one after the other: nothing runs side by side."""
    rounds, wanted = arguments.rounds, arguments.parts or _PARTS
    models, settings = find_models(folder)
    models = [model for model in models if (arguments.model or "") in model.name]
    if "speed" in wanted:
        speed = partial(speed_rows, find_program("llama-bench"), threads=arguments.threads)
        for model in models:
            yield f"speed of {model.name}", partial(speed, model, settings, rounds=rounds)
    if "streams" in wanted:
        streams = partial(stream_rows, find_program("llama-server"), threads=arguments.threads)
        for model in (one for one in models if one.name == FASTEST):
            yield f"streams of {model.name}", partial(streams, model, rounds=rounds)
    for model in models:
        if "cost" in wanted:
            yield f"cost of {model.name}", partial(cost_rows, model, settings, rounds=rounds)
        if "http" in wanted and model.name == FASTEST:
            yield f"HTTP of {model.name}", partial(http_rows, model, settings, rounds=rounds)
        if "interrupt" in wanted:
            yield f"interrupts of {model.name}", partial(interrupt_rows, model, rounds=rounds)
    if "startup" in wanted:
        yield "startup", partial(startup_rows, rounds=rounds)


def _run(what: str, measure: Callable[[], list[Row]]) -> list[Row]:
    """One part; a failure costs its rows, not the others."""
    print(f"measuring {what} …", flush=True)
    try:
        return measure()
    except Exception as error:  # noqa: BLE001 - said in the table
        return [Row(f"{what}: FAILED", f"{type(error).__name__}: {str(error)[:60]}")]


if __name__ == "__main__":
    main()
