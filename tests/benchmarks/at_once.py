"""Several requests sent at once, over HTTP, and when each began and ended to be answered.

The standard library's client: it costs the least of what the server could use itself.
"""

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from http.client import HTTPConnection
from typing import Any, NamedTuple
from urllib.parse import urlsplit

_TIMEOUT = 600


class Answer(NamedTuple):
    """When its first token came, in seconds since all were asked for, and its tokens."""

    first: float
    tokens: Sequence[int]


class Received(NamedTuple):
    """A body that came in pieces: seconds of the first and of the last one, and all of it."""

    first: float
    last: float
    data: bytes

    def objects(self) -> Iterable[dict[str, Any]]:
        """Its lines of JSON, with or without the prefix of server-sent events."""
        lines = (line.removeprefix(b"data: ") for line in self.data.splitlines())
        return [json.loads(line) for line in lines if line.startswith(b"{")]


def at_once(address: str, path: str, bodies: Iterable[Mapping[str, Any]]) -> list[Received]:
    """Post all ``bodies``, each on a thread and a connection of its own. Raises for a refusal."""
    ready = [json.dumps(body).encode() for body in bodies]
    with ThreadPoolExecutor(len(ready)) as pool:
        begun = time.perf_counter()
        return list(pool.map(lambda body: _receive(address, path, body, begun), ready))


def _receive(address: str, path: str, body: bytes, begun: float) -> Received:
    where = urlsplit(address)
    with closing(HTTPConnection(str(where.hostname), where.port, timeout=_TIMEOUT)) as connection:
        connection.request("POST", path, body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        pieces = [answer.read1()]
        first = time.perf_counter() - begun
        while piece := answer.read1():
            pieces.append(piece)
        last = time.perf_counter() - begun
    data = b"".join(pieces)
    if answer.status != 200:
        raise RuntimeError(f"{path}: {answer.status} {data[:80].decode('utf-8', 'replace')}")
    return Received(first, last, data)
