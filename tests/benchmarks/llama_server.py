"""llama-server, and many streams from it at once."""

import json
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx


@dataclass(frozen=True)
class Streamed:
    """What came of streams that ran at once."""

    tokens_per_s: float
    first_token_s: list[float]
    """For each stream, from its request on."""


class LlamaServer:
    """A running server."""

    def __init__(self, address: str) -> None:
        self._client = httpx.Client(base_url=address, timeout=600)

    def streams(self, prompts: Sequence[Sequence[int]], num_predict: int) -> Streamed:
        """Complete token prompts all at once, each over a stream of its own."""
        with ThreadPoolExecutor(len(prompts)) as pool:
            begun = time.perf_counter()
            firsts = list(pool.map(lambda one: self._stream(one, num_predict), prompts))
            spent = time.perf_counter() - begun
        return Streamed(len(prompts) * num_predict / spent, firsts)

    def _stream(self, prompt: Sequence[int], num_predict: int) -> float:
        """Take every piece; return the seconds to the first."""
        body = {
            "prompt": list(prompt), "n_predict": num_predict, "stream": True, "ignore_eos": True,
            "temperature": 0, "cache_prompt": True,
        }  # fmt: skip
        begun, first = time.perf_counter(), 0.0
        with self._client.stream("POST", "/completion", json=body) as answer:
            answer.raise_for_status()
            for line in answer.iter_lines():
                if line.startswith("data: ") and not first:
                    first = time.perf_counter() - begun
                    json.loads(line.removeprefix("data: "))
        return first


@contextmanager
def llama_server(
    program: Path, model: Path, *, threads: int, slots: int, window: int
) -> Iterator[LlamaServer]:
    """Start a server with so many slots of ``window`` tokens; stop it afterwards."""
    port = _free_port()
    numbers = {
        "-t": threads, "-np": slots, "-c": slots * window, "--port": port, "--host": "127.0.0.1"
    }  # fmt: skip
    arguments = [str(part) for pair in numbers.items() for part in pair]
    address = f"http://127.0.0.1:{port}"
    with subprocess.Popen(
        [program, "-m", model, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            _wait(address, process)
            yield LlamaServer(address)
        finally:
            process.terminate()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def _wait(address: str, process: "subprocess.Popen[bytes]") -> None:
    end = time.monotonic() + 120
    while time.monotonic() < end and process.poll() is None:
        try:
            if httpx.get(f"{address}/health").status_code == 200:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.1)
    raise RuntimeError("llama-server did not start")
