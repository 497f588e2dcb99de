"""llama-server, and many answers from it at once."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .at_once import Answer, Received, at_once
from .engine import GREEDY
from .served import served


class LlamaServer:
    """A running server."""

    def __init__(self, address: str, sampling: Mapping[str, Any]) -> None:
        self._address = address
        self._sampling = sampling

    def streams(self, prompts: Sequence[Sequence[int]], num_predict: int) -> float:
        """Complete token prompts all at once, each over a stream of its own; tokens per second."""
        spent = max(one.last for one in self._ask(prompts, num_predict))
        return len(prompts) * num_predict / spent

    def answers(self, prompts: Sequence[Sequence[int]], num_predict: int) -> list[Answer]:
        """See Engine.answers."""
        return [
            Answer(one.first, [token for part in one.objects() for token in part["tokens"]])
            for one in self._ask(prompts, num_predict)
        ]

    def _ask(self, prompts: Sequence[Sequence[int]], num_predict: int) -> list[Received]:
        how = {
            "n_predict": num_predict, "stream": True, "ignore_eos": True, "cache_prompt": True,
            **self._sampling,
        }  # fmt: skip
        return at_once(self._address, "/completion", [{"prompt": [*one], **how} for one in prompts])


@contextmanager
def llama_server(
    program: Path, model: Path, *, threads: int, slots: int, window: int,
    sampling: Mapping[str, Any] = GREEDY,
) -> Iterator[LlamaServer]:  # fmt: skip
    """Start a server with so many slots of ``window`` tokens; stop it afterwards."""
    numbers = {"-t": threads, "-np": slots, "-c": slots * window, "--host": "127.0.0.1"}
    arguments = [str(part) for pair in numbers.items() for part in pair]
    with served([program, "-m", model, *arguments], "/health") as (address, _):
        yield LlamaServer(address, sampling)
