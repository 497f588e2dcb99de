"""A proxy in front of a registry that does harm as it is told and remembers every request."""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from email.message import Message
from http.client import HTTPConnection, HTTPResponse
from typing import Self

from local_http import CHUNK, Handler, LocalServer
from wire_fault import Answer, Fault, Headers, Reset

_PATIENCE = 180
_OF_ONE_CONNECTION = (
    "connection", "expect", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade",
)  # fmt: skip


@dataclass
class Exchange:
    """A request that came by and how it went."""

    method: str
    path: str
    message: Message
    received: int = 0
    """Bytes of the client's body."""
    status: int = 0
    """0 as long as nothing was answered."""
    sent: int = 0
    """Bytes of the answer's body that were given to the client's socket."""
    started: float = field(default_factory=time.monotonic)
    ended: float | None = None

    @property
    def headers(self) -> Headers:
        return self.message.items()

    @property
    def chunked(self) -> bool:
        """Whether the client's body comes without a length."""
        return "chunked" in (self.header("Transfer-Encoding") or "")

    def header(self, name: str) -> str | None:
        return self.message.get(name)


@dataclass
class Rule:
    """What happens to requests like this: to so many of them, after sparing some."""

    path: str
    faults: tuple[Fault, ...]
    method: str = "GET"
    times: int | None = None
    skip: int = 0
    where: Callable[[Exchange], bool] = lambda _: True
    hits: int = 0

    def takes(self, exchange: Exchange) -> bool:
        """Whether this request is its; counts."""
        if not re.fullmatch(self.method, exchange.method) or not self.where(exchange):
            return False
        if not re.search(self.path, exchange.path) or self.hits == self.times:
            return False
        if self.skip:
            self.skip -= 1
            return False
        self.hits += 1
        return True


class FaultProxy(LocalServer):
    """Listens on a loopback port. ``routes`` sends paths that begin so to another server.

    The Host header goes through unchanged, so that the registry's locations lead back here.
    """

    def __init__(
        self, upstream: str = "", routes: dict[str, str] | None = None, *, host: str = "127.0.0.1"
    ):
        super().__init__(_Exchange, host)
        self.upstream = upstream
        self.routes = routes or {}
        self.rules: list[Rule] = []
        self.requests: list[Exchange] = []

    def on(
        self,
        path: str,
        *faults: Fault,
        method: str = "GET",
        times: int | None = None,
        skip: int = 0,
        where: Callable[[Exchange], bool] = lambda _: True,
    ) -> Rule:
        """Harm requests whose path (with its query) contains this pattern.

        The first rule that takes a request decides; a rule that has had its times takes no more.
        """
        rule = Rule(path, faults, method, times, skip, where)
        with self.lock:
            self.rules.append(rule)
        return rule

    def forget(self) -> Self:
        """No rules and no memories."""
        with self.lock:
            self.rules.clear()
            self.requests.clear()
        return self

    def seen(self, path: str = "", method: str = ".*") -> list[Exchange]:
        """The requests that came by, in the order of their arrival."""
        with self.lock:
            return [
                exchange
                for exchange in self.requests
                if re.search(path, exchange.path) and re.fullmatch(method, exchange.method)
            ]

    def served(self, path: str = "", method: str = "GET") -> int:
        """How many bytes of bodies were given to clients."""
        return sum(exchange.sent for exchange in self.seen(path, method))

    def at_once(self, path: str = "", method: str = ".*") -> int:
        """How many such requests were open at the same time, at most."""
        marks = []
        for exchange in self.seen(path, method):
            marks.append((exchange.started, 1))
            marks.append((exchange.ended or float("inf"), -1))
        count = most = 0
        for _, step in sorted(marks):
            count += step
            most = max(most, count)
        return most

    def faults_for(self, exchange: Exchange) -> tuple[Fault, ...]:
        """Note the request and find what shall happen to it."""
        with self.lock:
            self.requests.append(exchange)
            return next((rule.faults for rule in self.rules if rule.takes(exchange)), ())

    def address_for(self, path: str) -> str:
        """Host and port of the server behind."""
        found = (to for start, to in self.routes.items() if path.startswith(start))
        return next(found, self.upstream)


class _Exchange(Handler):
    server: FaultProxy

    def serve(self) -> None:
        exchange = Exchange(self.command, self.path, self.headers)
        faults = self.server.faults_for(exchange)
        try:
            self._exchange(exchange, faults)
        except Reset:
            self.server.reset(self.connection)
            raise
        finally:
            exchange.ended = exchange.ended or time.monotonic()

    def _exchange(self, exchange: Exchange, faults: tuple[Fault, ...]) -> None:
        for fault in faults:
            if answer := fault.instead(exchange, self.pause):
                for _ in self._upload(exchange, faults):
                    pass
                self._reply(exchange, faults, answer)
                return
        with closing(self._upstream(exchange, faults)) as connection:
            self._send(connection, exchange, faults)
            with closing(connection.getresponse()) as response:
                self._reply(exchange, faults, _answer(response))

    def _upstream(self, exchange: Exchange, faults: tuple[Fault, ...]) -> HTTPConnection:
        connection = HTTPConnection(self.server.address_for(exchange.path), timeout=_PATIENCE)
        connection.putrequest(
            exchange.method, exchange.path, skip_host=True, skip_accept_encoding=True
        )
        headers = exchange.headers
        for fault in faults:
            headers = fault.ask(headers)
        for name, value in headers:
            if name.lower() not in _OF_ONE_CONNECTION:
                connection.putheader(name, value)
        if exchange.chunked:
            connection.putheader("Transfer-Encoding", "chunked")
        connection.endheaders()
        return connection

    def _send(
        self, connection: HTTPConnection, exchange: Exchange, faults: tuple[Fault, ...]
    ) -> None:
        try:
            for piece in self._upload(exchange, faults):
                connection.send(_chunk(piece) if exchange.chunked else piece)
            if exchange.chunked:
                connection.send(_chunk(b""))
        except BrokenPipeError:  # the upstream has answered before the end
            self.close_connection = True

    def _upload(self, exchange: Exchange, faults: tuple[Fault, ...]) -> Iterator[bytes]:
        chunks = self._counted(exchange)
        for fault in faults:
            chunks = fault.upload(chunks, self.pause)
        return chunks

    def _counted(self, exchange: Exchange) -> Iterator[bytes]:
        for piece in self.body():
            exchange.received += len(piece)
            yield piece

    def _reply(self, exchange: Exchange, faults: tuple[Fault, ...], answer: Answer) -> None:
        for fault in faults:
            answer = fault.answer(answer, self.pause)
        length = answer.header("Content-Length")
        bodiless = exchange.method == "HEAD" or answer.status in (204, 304)
        chunked = not (length or bodiless or answer.until_close)
        headers = [*answer.headers]
        if chunked:
            headers.append(("Transfer-Encoding", "chunked"))
        if answer.until_close:
            headers.append(("Connection", "close"))
            self.close_connection = True
        lines = [f"HTTP/1.1 {answer.status} ", *(f"{name}: {value}" for name, value in headers)]
        exchange.status = answer.status
        if bodiless:
            exchange.ended = time.monotonic()
        self.wfile.write("\r\n".join([*lines, "", ""]).encode("latin-1"))
        if bodiless:
            return
        # Counted before it is written: a client that has everything finds it all counted.
        for piece in filter(None, answer.body):
            exchange.sent += len(piece)
            if str(exchange.sent) == length:
                exchange.ended = time.monotonic()
            self.wfile.write(_chunk(piece) if chunked else piece)
        exchange.ended = exchange.ended or time.monotonic()
        if chunked:
            self.wfile.write(_chunk(b""))
        elif length != str(exchange.sent):
            self.close_connection = True


def _answer(response: HTTPResponse) -> Answer:
    headers = [
        (name, value)
        for name, value in response.getheaders()
        if name.lower() not in _OF_ONE_CONNECTION
    ]
    return Answer(response.status, headers, iter(lambda: response.read1(CHUNK), b""))


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)
