"""What a fault between a client and a registry is: what it may see and what it may change."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Protocol

from local_http import HungUp

Pause = Callable[[float | None], None]
Headers = list[tuple[str, str]]


@dataclass(frozen=True)
class Answer:
    """Status, headers and body; without a Content-Length it goes out in chunks, or until close."""

    status: int
    headers: Headers
    body: Iterator[bytes]
    until_close: bool = False

    def header(self, name: str) -> str:
        return next((v for k, v in self.headers if k.lower() == name.lower()), "")

    def with_headers(self, *headers: tuple[str, str], without: tuple[str, ...] = ()) -> "Answer":
        """The same with these headers instead of those of the same names."""
        gone = {name.lower() for name in (*without, *dict(headers))}
        kept = [(k, v) for k, v in self.headers if k.lower() not in gone]
        return replace(self, headers=[*kept, *headers])


class Asked(Protocol):
    """What a fault may know of a request."""

    method: str
    path: str
    headers: Headers


class Reset(HungUp):
    """The connection ends with RST."""


class Fault:
    """Changes nothing. Bodies are iterators and never held whole; chunks may have any length."""

    def instead(self, asked: Asked, pause: Pause) -> Answer | None:
        """An answer given without asking the upstream."""
        return None

    def ask(self, headers: Headers) -> Headers:
        """The headers that the upstream is asked with."""
        return headers

    def upload(self, chunks: Iterator[bytes], pause: Pause) -> Iterator[bytes]:
        """What of the client's body arrives upstream."""
        return chunks

    def answer(self, answer: Answer, pause: Pause) -> Answer:
        """What comes back instead of this."""
        return answer


def pieces(chunks: Iterator[bytes], at: int) -> Iterator[tuple[int, bytes]]:
    """The chunks and where each begins; one of them begins at ``at``."""
    offset = 0
    for chunk in chunks:
        if offset < at < offset + len(chunk):
            yield offset, chunk[: at - offset]
            yield at, chunk[at - offset :]
        else:
            yield offset, chunk
        offset += len(chunk)
