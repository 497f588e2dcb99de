"""llama-server, and many streams from it at once."""

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx

from .served import served


class LlamaServer:
    """A running server."""

    def __init__(self, address: str) -> None:
        self._client = httpx.Client(base_url=address, timeout=600)

    def streams(self, prompts: Sequence[Sequence[int]], num_predict: int) -> float:
        """Complete token prompts all at once, each over a stream of its own; tokens per second."""
        with ThreadPoolExecutor(len(prompts)) as pool:
            begun = time.perf_counter()
            list(pool.map(lambda one: self._stream(one, num_predict), prompts))
            spent = time.perf_counter() - begun
        return len(prompts) * num_predict / spent

    def _stream(self, prompt: Sequence[int], num_predict: int) -> None:
        """Take every piece."""
        body = {
            "prompt": list(prompt), "n_predict": num_predict, "stream": True, "ignore_eos": True,
            "temperature": 0, "cache_prompt": True,
        }  # fmt: skip
        with self._client.stream("POST", "/completion", json=body) as answer:
            answer.raise_for_status()
            for _ in answer.iter_lines():
                pass


@contextmanager
def llama_server(
    program: Path, model: Path, *, threads: int, slots: int, window: int
) -> Iterator[LlamaServer]:
    """Start a server with so many slots of ``window`` tokens; stop it afterwards."""
    numbers = {"-t": threads, "-np": slots, "-c": slots * window, "--host": "127.0.0.1"}
    arguments = [str(part) for pair in numbers.items() for part in pair]
    with served([program, "-m", model, *arguments], "/health") as (address, _):
        yield LlamaServer(address)
