"""Our own server, ``jupyter ollama serve``, in a process of its own."""

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import psutil

from ollama_nb.settings import Settings

from .at_once import Answer, Received, at_once
from .engine import VARIED
from .served import served

_PROGRAM = ("-m", "ollama_nb", "serve")


class OwnServer:
    """A running server, asked for one model with one number of threads."""

    def __init__(
        self, address: str, process: psutil.Process, model: str = "", *, threads: int = 0
    ) -> None:
        self.address = address
        self.process = process
        self._model = model
        self._threads = threads

    def streams(self, prompts: Sequence[Sequence[int]], num_predict: int) -> float:
        """See LlamaServer.streams. Answers may end by themselves, so tokens are counted."""
        received = self._ask(prompts, num_predict)
        count: int = sum(last_of(one)["eval_count"] for one in received)
        if count < 0.9 * num_predict * len(prompts):
            raise RuntimeError(f"{len(prompts)} answers had {count} tokens only")
        return count / max(one.last for one in received)

    def answers(self, prompts: Sequence[Sequence[int]], num_predict: int) -> list[Answer]:
        """See Engine.answers."""
        received = self._ask(prompts, num_predict)
        return [
            Answer(one.first, last_of(one)["context"][len(prompt) :])
            for prompt, one in zip(prompts, received, strict=True)
        ]

    def _ask(self, prompts: Sequence[Sequence[int]], num_predict: int) -> list[Received]:
        """Tokens go as ``context``, all but the last one: it is a letter."""
        options = {**VARIED, "num_predict": num_predict, "num_thread": self._threads}
        bodies: list[dict[str, Any]] = [
            {
                "model": self._model,
                "context": [*one[:-1]],
                "prompt": chr(one[-1]),
                "options": options,
            }
            for one in prompts
        ]
        return at_once(self.address, "/api/generate", bodies)


def last_of(received: Received) -> dict[str, Any]:
    """The last line of an answer. Raises what it says instead."""
    *_, last = received.objects()
    if not last.get("done"):
        raise RuntimeError(f"an answer ended with {last}")
    return last


@contextmanager
def own_server(
    settings: Settings,
    model: str = "",
    *,
    threads: int = 0,
    environment: Mapping[str, str] | None = None,
    program: Sequence[str] = _PROGRAM,
) -> Iterator[OwnServer]:
    """Serve the store of ``settings``, with more of OLLAMA_* if given; stop it afterwards."""
    command = [sys.executable, *program, "--ip", "127.0.0.1"]
    whole = {**os.environ, **(environment or {}), "OLLAMA_MODELS": str(settings.models)}
    with served(command, "/api/version", whole) as (address, process):
        yield OwnServer(address, psutil.Process(process.pid), model, threads=threads)
