"""The Python servers that llama-cpp-python brings: the installed one, and its batching example."""

import json
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from .at_once import Received, at_once
from .engine import VARIED
from .peer_environment import peer_python
from .programs import source
from .prompts import as_text
from .served import free_port, served


class CompletionServer:
    """A running server with OpenAI's ``/v1/completions``."""

    def __init__(self, address: str) -> None:
        self._address = address

    def streams(self, prompts: Sequence[Sequence[int]], num_predict: int) -> float:
        """Complete all prompts at once, each over a stream of its own; tokens per second."""
        how = {"max_tokens": num_predict, "stream": True, **VARIED}
        bodies = [{"prompt": as_text(one), **how} for one in prompts]
        received = at_once(self._address, "/v1/completions", bodies)
        count = sum(_num_tokens(one, num_predict) for one in received)
        if count < 0.9 * num_predict * len(prompts):
            raise RuntimeError(f"{len(prompts)} answers had {count} tokens only")
        return count / max(one.last for one in received)


def _num_tokens(received: Received, num_predict: int) -> int:
    """Pieces of text, where an answer has not reached its length: no stream says how many tokens.

    The example sends no more text after a token that is part of a character.
    """
    choices = [part["choices"][0] for part in received.objects() if part.get("choices")]
    if choices and choices[-1]["finish_reason"] == "length":
        return num_predict
    return sum(bool(choice["text"]) for choice in choices)


@contextmanager
def plain_server(
    model: Path, *, threads: int, slots: int, window: int
) -> Iterator[CompletionServer]:
    """``python -m llama_cpp.server``: one request after the other, whatever ``slots`` says."""
    del slots
    options = {
        "model": model, "host": "127.0.0.1", "n_ctx": window, "n_threads": threads,
        "n_threads_batch": threads, "logits_all": False, "interrupt_requests": False,
        "verbose": False,
    }  # fmt: skip
    arguments = [str(part) for name, value in options.items() for part in (f"--{name}", value)]
    command = [peer_python(), "-m", "llama_cpp.server", *arguments]
    with served(command, "/v1/models") as (address, _):
        yield CompletionServer(address)


@contextmanager
def batching_server(
    model: Path, *, threads: int, slots: int, window: int
) -> Iterator[CompletionServer]:
    """``examples/server/server.py`` of the source distribution."""
    port = free_port()
    settings = {
        "server": {"host": "127.0.0.1", "port": port},
        "model": {
            "path": str(model), "alias": "it", "n_ctx": slots * window, "n_seq_max": slots,
            "threads": threads, "threads_batch": threads,
        },
    }  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "settings.json"
        file.write_text(json.dumps(settings))
        command = [peer_python(), source("examples/server") / "server.py", "-C", file]
        with served(command, "/healthz", port=port) as (address, _):
            yield CompletionServer(address)
