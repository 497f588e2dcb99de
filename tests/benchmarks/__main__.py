"""``python -m tests.benchmarks [part …]``: measure in turns and print one table."""

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path

# First of all, since it silences llama.cpp's log.
from ollama_nb.engine import native  # noqa: F401
from ollama_nb.engine.threads import usable_cores

from .machine import describe
from .models import find_models
from .parts import NAMES, Bench, tasks
from .table import Row, render

_ROUNDS = 5


def main() -> None:
    """Run the parts that were named, or all."""
    arguments = _arguments()
    print("\n".join(describe()), flush=True)
    with tempfile.TemporaryDirectory() as folder:
        models, settings = find_models(Path(folder))
        models = [model for model in models if (arguments.model or "") in model.name]
        bench = Bench(models, settings, arguments.threads, arguments.rounds)
        rows = [row for task in tasks(bench, arguments.parts or NAMES) for row in _run(*task)]
    print(f"\n{render(rows)}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="part", help=", ".join(NAMES))
    parser.add_argument("--rounds", type=int, default=_ROUNDS)
    parser.add_argument("--threads", type=int, default=usable_cores(), help="on both sides")
    parser.add_argument("--model", help="only models whose name contains this")
    arguments = parser.parse_args()
    if unknown := set(arguments.parts) - set(NAMES):
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    return arguments


def _run(what: str, measure: Callable[[], list[Row]]) -> list[Row]:
    """One part; a failure costs its rows, not the others."""
    print(f"measuring {what} …", flush=True)
    try:
        return measure()
    except Exception as error:  # noqa: BLE001 - said in the table
        return [Row(f"{what}: FAILED", f"{type(error).__name__}: {str(error)[:60]}")]


if __name__ == "__main__":
    main()
