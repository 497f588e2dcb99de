"""``jupyter ollama serve`` whose engine notes when it hands over each piece of text.

``python -m tests.benchmarks.noted_emits FILE …``. FILE gets a line of JSON for each finished
answer: a list of [when, length], seconds of the system's monotonic clock, which is the same in all
processes, and the number of characters.
"""

import json
import sys
import time
from pathlib import Path

from ollama_nb.engine import worker
from ollama_nb.engine.host import Emit
from ollama_nb.engine.runner import Runner
from ollama_nb.engine.sequence import Event, Finish, Piece, Request
from ollama_nb.server.standalone import OllamaServerApp

_CHILD = """
from tests.benchmarks.noted_emits import note_emits
note_emits({file!r})
"""


def note_emits(file: str) -> None:
    """Let the runners of this process note; the engine's own work stays as it is."""
    submit = Runner.submit

    def noted(runner: Runner, request: Request, emit: Emit) -> int:
        emits: list[tuple[float, int]] = []

        def note(event: Event | Exception) -> None:
            if isinstance(event, Piece | Finish):
                emits.append((time.monotonic(), len(event.text)))
            emit(event)
            if isinstance(event, Finish):
                with Path(file).open("a") as lines:
                    lines.write(json.dumps(emits) + "\n")

        return submit(runner, request, note)

    Runner.submit = noted  # type: ignore[method-assign]


def main(file: str, *arguments: str) -> None:
    """Serve; the engine notes wherever it lives."""
    note_emits(file)
    worker._CHILD = _CHILD.format(file=file) + worker._CHILD
    OllamaServerApp.launch_instance(list(arguments), jpserver_extensions={"ollama_nb": True})


if __name__ == "__main__":
    main(*sys.argv[1:])
