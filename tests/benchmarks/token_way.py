"""How long a token is on its way: from the engine's hands to a client's socket."""

import json
import tempfile
import time
from bisect import bisect_left
from collections.abc import Callable, Iterator
from contextlib import closing
from http.client import HTTPConnection
from itertools import accumulate
from pathlib import Path
from statistics import median
from urllib.parse import urlsplit

from ollama_nb.settings import Settings

from .engine import DEFAULT
from .models import Measured
from .own_server import own_server
from .table import Row

_NUM_PREDICT = 400
_AIMS = {"local": "≤ 100 µs", "worker": "≤ 200 µs"}


def way_rows(model: Measured, settings: Settings, *, rounds: int) -> list[Row]:
    """The median and the 95th percentile of one stream, for each place of the engine."""
    return [_row(model, settings, rounds, engine, aim) for engine, aim in _AIMS.items()]


def _row(model: Measured, settings: Settings, rounds: int, engine: str, aim: str) -> Row:
    environment = {"OLLAMA_NB_ENGINE": engine}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "emits.jsonl"
        program = ("-m", "tests.benchmarks.noted_emits", str(file))
        with own_server(settings, environment=environment, program=program) as server:
            received = [_receive(server.address, model.name) for _ in range(rounds + 1)]
        emitted = [json.loads(line) for line in file.read_text().splitlines()]
    ways = [_ways(*pair) for pair in zip(emitted[1:], received[1:], strict=True)]
    middles = [median(one) for one in ways]
    late = median(sorted(one)[int(0.95 * (len(one) - 1))] for one in ways)
    return Row(
        f"{model.name}, {engine} engine: a token's way to a client's socket",
        f"{min(middles):,.0f} µs",
        middle=f"{median(middles):,.0f} µs, p95 {late:,.0f}",
        aim=aim,
    )


def _receive(address: str, model: str) -> list[tuple[float, int]]:
    """When each line of an answer was there, and how many characters it brought."""
    options = {**DEFAULT, "num_predict": _NUM_PREDICT}
    body = json.dumps({"model": model, "prompt": "a", "raw": True, "options": options})
    where = urlsplit(address)
    with closing(HTTPConnection(str(where.hostname), where.port, timeout=300)) as connection:
        connection.request("POST", "/api/generate", body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        lines = [(when, json.loads(line)) for when, line in _lines(answer.read1)]
    if not lines[-1][1].get("done"):
        raise RuntimeError(f"an answer ended with {lines[-1][1]}")
    return [(when, len(line["response"])) for when, line in lines]


def _lines(read: Callable[[], bytes]) -> Iterator[tuple[float, bytes]]:
    rest = b""
    while piece := read():
        when = time.monotonic()
        *whole, rest = (rest + piece).split(b"\n")
        yield from ((when, line) for line in whole)


def _ways(emitted: list[tuple[float, int]], received: list[tuple[float, int]]) -> list[float]:
    """Microseconds for each line, from the first emit that had all of its text.

    The last one has statistics to be made, and the first one the headers; neither counts.
    """
    told = list(accumulate(length for _, length in emitted))
    there = accumulate(length for _, length in received)
    if told[-1] != sum(length for _, length in received):
        raise RuntimeError("what the engine gave is not what the client got")
    return [
        (when - emitted[bisect_left(told, length)][0]) * 1e6
        for (when, _), length in list(zip(received, there, strict=True))[1:-1]
    ]
