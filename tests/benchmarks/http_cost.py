"""What a token costs over HTTP beyond the same stream taken in the kernel."""

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.client import HTTPConnection
from statistics import median
from typing import NamedTuple

import httpx
import psutil

from ollama_nb.settings import Settings

from .engine import DEFAULT, InKernel
from .models import Measured
from .own_server import OwnServer, own_server
from .table import Rounds, Row

_NUM_PREDICT = 600
_IDLE = 64
_ENGINES = ("local", "worker")


class _Cost(NamedTuple):
    """Microseconds per token: on the consumer's clock, and of the engine's process."""

    clock: float
    processor: float


def http_rows(model: Measured, settings: Settings, *, rounds: int) -> list[Row]:
    """One server process and this one, in turns, the same request; for each place of the engine."""
    kernel = InKernel(settings, model.name, threads=0)
    try:
        return [
            row for engine in _ENGINES for row in _rows(model, settings, kernel, engine, rounds)
        ]
    finally:
        kernel.close()


def _rows(
    model: Measured, settings: Settings, kernel: InKernel, engine: str, rounds: int
) -> list[Row]:
    environment = {"OLLAMA_NB_ENGINE": engine}
    with own_server(settings, environment=environment) as server, _client(server) as client:
        pairs, quiet, crowded = [], [], []
        for _ in range(rounds + 1):
            alone = _over_http(client, server.process, model.name)
            pairs.append((_in_kernel(kernel), alone))
            with _idle_clients(server):
                quiet.append(alone.clock)
                crowded.append(_over_http(client, server.process, model.name).clock)
    work = f"{model.name}, {engine} engine"
    return [
        _row(f"{work}: HTTP token beyond the in-kernel stream", pairs[1:], 0),
        _row(f"{work}: the same in processor time of the server", pairs[1:], 1),
        _crowd_row(f"{work}: HTTP token beside {_IDLE} idle clients / without", quiet, crowded),
    ]


@contextmanager
def _idle_clients(server: OwnServer) -> Iterator[None]:
    """Connections that have asked once and are kept alive."""
    host, _, port = server.address.removeprefix("http://").partition(":")
    with ExitStack() as held:
        for _ in range(_IDLE):
            client = HTTPConnection(host, int(port), timeout=60)
            held.callback(client.close)
            client.request("GET", "/api/version")
            client.getresponse().read()
        yield


def _crowd_row(work: str, quiet: list[float], crowded: list[float]) -> Row:
    figures = Rounds(
        ours=[one / 1e6 for one in crowded[1:]], other=[one / 1e6 for one in quiet[1:]]
    )
    return figures.time_row(work, "≤ 1.1")


def _row(work: str, pairs: list[tuple[_Cost, _Cost]], column: int) -> Row:
    kernel = [inside[column] for inside, _ in pairs]
    http = [over[column] for _, over in pairs]
    beyond = median(b - a for a, b in zip(kernel, http, strict=True))
    return Row(
        work,
        f"{min(http):,.0f} µs",
        f"{min(kernel):,.0f} µs",
        f"{min(http) / min(kernel):.2f}",
        f"+{beyond:,.0f} µs" if beyond >= 0 else f"{beyond:,.0f} µs",
    )


def _in_kernel(kernel: InKernel) -> _Cost:
    worked, first, count = time.process_time(), 0.0, 0
    for chunk in kernel.stream("a", _NUM_PREDICT, DEFAULT):
        first = first or time.perf_counter()
        count = chunk.eval_count
    clock = time.perf_counter() - first
    return _per_token(clock, time.process_time() - worked, count)


def _client(server: OwnServer) -> httpx.Client:
    return httpx.Client(base_url=server.address, timeout=300)


def _over_http(client: httpx.Client, process: psutil.Process, model: str) -> _Cost:
    options = {**DEFAULT, "num_predict": _NUM_PREDICT}
    body = {"model": model, "prompt": "a", "raw": True, "options": options}
    worked, first, count = _worked(process), 0.0, 0
    with client.stream("POST", "/api/generate", json=body) as response:
        response.raise_for_status()
        for line in response.iter_lines():
            first = first or time.perf_counter()
            count = json.loads(line).get("eval_count", 0)
    clock = time.perf_counter() - first
    return _per_token(clock, _worked(process) - worked, count)


def _per_token(clock: float, processor: float, count: int) -> _Cost:
    if count < _NUM_PREDICT // 2:
        raise RuntimeError(f"the answer had {count} tokens only")
    return _Cost(clock / count * 1e6, processor / count * 1e6)


def _worked(process: psutil.Process) -> float:
    """The engine is a child of the server's."""
    times = [one.cpu_times() for one in (process, *process.children(recursive=True))]
    return sum(one.user + one.system for one in times)
