"""What can go wrong between a client and a registry, each as one small class."""

import threading
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace

from local_http import HungUp
from wire_fault import Answer, Asked, Fault, Headers, Pause, Reset, pieces


@dataclass(frozen=True)
class Cut(Fault):
    """Close the connection after so many bytes of the answer's body."""

    after: int
    reset: bool = False

    def answer(self, answer: Answer, pause: Pause) -> Answer:
        return replace(answer, body=_cut(answer.body, self.after, self.reset))


@dataclass(frozen=True)
class CutUpload(Fault):
    """Close the connection after so many bytes of the client's body; they reach the upstream."""

    after: int
    reset: bool = False

    def upload(self, chunks: Iterator[bytes], pause: Pause) -> Iterator[bytes]:
        return _cut(chunks, self.after, self.reset)


@dataclass(frozen=True)
class NoAnswer(Fault):
    """Close the connection without a word as soon as the request's head is there."""

    reset: bool = False

    def instead(self, asked: Asked, pause: Pause) -> Answer | None:
        raise Reset if self.reset else HungUp


@dataclass(frozen=True)
class Lost(Fault):
    """Let the upstream do it, and close the connection instead of handing its answer on."""

    def answer(self, answer: Answer, pause: Pause) -> Answer:
        raise HungUp


@dataclass(frozen=True)
class Delay(Fault):
    """Wait before asking; for ever with None."""

    seconds: float | None

    def instead(self, asked: Asked, pause: Pause) -> Answer | None:
        pause(self.seconds)
        return None


@dataclass(frozen=True)
class Stall(Fault):
    """Wait after so many bytes of the answer's body, for ever with None, then go on."""

    after: int
    seconds: float | None = None

    def answer(self, answer: Answer, pause: Pause) -> Answer:
        return replace(answer, body=_stall(answer.body, self.after, self.seconds, pause))


@dataclass(frozen=True)
class StallUpload(Fault):
    """Read no further after so many bytes of the client's body, for ever with None."""

    after: int
    seconds: float | None = None

    def upload(self, chunks: Iterator[bytes], pause: Pause) -> Iterator[bytes]:
        return _stall(chunks, self.after, self.seconds, pause)


@dataclass(frozen=True)
class Hold(Fault):
    """Wait after so many bytes of the answer's body until the gate is opened.

    They are counted from the beginning of the file if ``of_file``, whatever range is asked for.
    """

    after: int
    gate: threading.Event
    of_file: bool = False

    def answer(self, answer: Answer, pause: Pause) -> Answer:
        first = _range(answer)[0] if self.of_file and answer.status == 206 else 0
        body = _hold(answer.body, max(0, self.after - first), self.gate, pause)
        return replace(answer, body=body)


@dataclass(frozen=True)
class HoldBack(Fault):
    """Wait before asking until the gate is opened."""

    gate: threading.Event

    def instead(self, asked: Asked, pause: Pause) -> Answer | None:
        _wait(self.gate, pause)
        return None


@dataclass(frozen=True)
class Throttle(Fault):
    """So many bytes of the answer's body a second."""

    rate: int

    def answer(self, answer: Answer, pause: Pause) -> Answer:
        return replace(answer, body=self._slowly(answer.body, pause))

    def _slowly(self, chunks: Iterator[bytes], pause: Pause) -> Iterator[bytes]:
        step = max(1, self.rate // 20)
        for chunk in chunks:
            for at in range(0, len(chunk), step):
                piece = chunk[at : at + step]
                pause(len(piece) / self.rate)
                yield piece


@dataclass(frozen=True)
class Announce(Fault):
    """Say that the body has so many bytes more than it has, or fewer; all of it is sent."""

    more: int

    def answer(self, answer: Answer, pause: Pause) -> Answer:
        length = int(answer.header("Content-Length")) + self.more
        return answer.with_headers(("Content-Length", str(length)))


@dataclass(frozen=True)
class NoLength(Fault):
    """Say no length: in chunks, or as HTTP/1.0 did, until the connection closes."""

    chunked: bool = True

    def answer(self, answer: Answer, pause: Pause) -> Answer:
        answer = answer.with_headers(without=("Content-Length",))
        return replace(answer, until_close=not self.chunked)


@dataclass(frozen=True)
class WholeBody(Fault):
    """Ignore the range that was asked for: 200 and everything."""

    def ask(self, headers: Headers) -> Headers:
        return [(name, value) for name, value in headers if name.lower() != "range"]


@dataclass(frozen=True)
class WrongRange(Fault):
    """The bytes asked for, said to lie elsewhere in the file."""

    shift: int

    def answer(self, answer: Answer, pause: Pause) -> Answer:
        first, last, total = _range(answer)
        moved = f"bytes {first + self.shift}-{last + self.shift}/{total}"
        return answer.with_headers(("Content-Range", moved))


@dataclass(frozen=True)
class Flip(Fault):
    """One bit is wrong, at this place of the file (a range knows where in the file it lies)."""

    at: int = 0

    def answer(self, answer: Answer, pause: Pause) -> Answer:
        first = _range(answer)[0] if answer.status == 206 else 0
        return replace(answer, body=_flip(answer.body, self.at - first))


@dataclass(frozen=True)
class Head(Fault):
    """Another status or other headers: those named replace, None removes, a tuple repeats."""

    headers: dict[str, str | tuple[str, ...] | None]
    status: int | None = None

    def answer(self, answer: Answer, pause: Pause) -> Answer:
        answer = answer.with_headers(without=tuple(self.headers))
        for name, values in self.headers.items():
            several = (values,) if isinstance(values, str) else values or ()
            answer.headers.extend((name, value) for value in several)
        return replace(answer, status=self.status or answer.status)


@dataclass(frozen=True)
class Say(Fault):
    """Answer with this; the upstream is not asked."""

    status: int
    headers: dict[str, str] | None = None
    body: bytes = b""

    def instead(self, asked: Asked, pause: Pause) -> Answer | None:
        length = {"Content-Length": str(len(self.body))}
        return Answer(self.status, list((length | (self.headers or {})).items()), iter([self.body]))


@dataclass(frozen=True)
class Flood(Fault):
    """So many blanks with status 200, made as they are sent; their number may stay unsaid."""

    size: int
    announced: bool = True

    def instead(self, asked: Asked, pause: Pause) -> Answer | None:
        blanks = b" " * (1 << 16)
        sizes = (min(1 << 16, self.size - at) for at in range(0, self.size, 1 << 16))
        headers = [("Content-Length", str(self.size))] if self.announced else []
        return Answer(200, headers, (blanks[:size] for size in sizes))


def challenge(realm: str, scope: str = "repository:library/tiny:pull") -> Say:
    """401 with a realm: where a client shall fetch its token."""
    says = f'Bearer realm="{realm}",service="registry",scope="{scope}"'
    return Say(401, {"WWW-Authenticate": says, "Content-Type": "application/json"}, b"{}")


@dataclass(frozen=True)
class Redirect(Fault):
    """To the same path of another server (``http://localhost:5000``), or to just this address."""

    to: str
    status: int = 307
    exactly: bool = False

    def instead(self, asked: Asked, pause: Pause) -> Answer | None:
        location = self.to if self.exactly else self.to + asked.path
        return Answer(self.status, [("Location", location), ("Content-Length", "0")], iter(()))


@dataclass(frozen=True)
class Bomb(Fault):
    """A small gzip body that becomes so many bytes (whole MiB), as Content-Encoding."""

    size: int

    def instead(self, asked: Asked, pause: Pause) -> Answer | None:
        return Answer(200, [("Content-Encoding", "gzip")], _zeros(self.size >> 20))


def _cut(chunks: Iterator[bytes], after: int, reset: bool) -> Iterator[bytes]:
    for offset, chunk in pieces(chunks, after):
        if offset >= after:
            raise Reset if reset else HungUp
        yield chunk


def _stall(
    chunks: Iterator[bytes], after: int, seconds: float | None, pause: Pause
) -> Iterator[bytes]:
    stalled = False
    for offset, chunk in pieces(chunks, after):
        if offset >= after and not stalled:
            stalled = True
            pause(seconds)
        yield chunk


def _hold(
    chunks: Iterator[bytes], after: int, gate: threading.Event, pause: Pause
) -> Iterator[bytes]:
    for offset, chunk in pieces(chunks, after):
        if offset >= after:
            _wait(gate, pause)
        yield chunk


def _wait(gate: threading.Event, pause: Pause) -> None:
    while not gate.is_set():
        pause(0.02)


def _flip(chunks: Iterator[bytes], at: int) -> Iterator[bytes]:
    for offset, chunk in pieces(chunks, at):
        yield bytes([chunk[0] ^ 1]) + chunk[1:] if offset == at and chunk else chunk


def _range(answer: Answer) -> tuple[int, int, str]:
    span, _, total = answer.header("Content-Range").removeprefix("bytes ").partition("/")
    first, _, last = span.partition("-")
    return int(first), int(last), total


def _zeros(mebibytes: int) -> Iterator[bytes]:
    """One compressed MiB, again and again: a full flush lets the same bytes be repeated."""
    zeros = bytes(1 << 20)
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    again = packer.compress(zeros) + packer.flush(zlib.Z_FULL_FLUSH)
    check = 0
    yield b"\x1f\x8b\x08\0\0\0\0\0\0\xff"
    for _ in range(mebibytes):
        yield again
        check = zlib.crc32(zeros, check)
    size = (mebibytes << 20) % 2**32
    yield packer.flush() + check.to_bytes(4, "little") + size.to_bytes(4, "little")
