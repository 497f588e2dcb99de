"""HTTP as bytes, for what no HTTP library would send."""

import asyncio
import contextlib
import socket
from dataclasses import dataclass

PATIENCE = 180


@dataclass(frozen=True)
class Answer:
    """Status (0 if the connection ended without one), headers as they came, and the body."""

    status: int
    head: bytes
    body: bytes

    def header(self, name: str) -> bytes:
        """The value of a header, empty if there is none."""
        for line in self.head.split(b"\r\n")[1:]:
            key, _, value = line.partition(b":")
            if key.lower() == name.lower().encode():
                return value.strip()
        return b""


def request(
    method: str,
    path: str | bytes,
    headers: dict[str, str] | None = None,
    body: bytes = b"",
    version: str = "1.1",
) -> bytes:
    """A request after which the server is to close; ``headers`` replace those of the same name."""
    sent = {"Host": "localhost", "Connection": "close", "Content-Length": str(len(body))}
    sent |= headers or {}
    target = path if isinstance(path, bytes) else path.encode()
    lines = [f"{name}: {value}".encode() for name, value in sent.items() if value]
    start = b"%b %b HTTP/%b" % (method.encode(), target, version.encode())
    return b"\r\n".join([start, *lines, b"", body])


def exchange(address: tuple[str, int], data: bytes) -> Answer:
    """Send these bytes and return the answer; the server has to close."""
    with socket.create_connection(address, PATIENCE) as connection:
        # It may have answered before it has read everything.
        with contextlib.suppress(ConnectionError):
            connection.sendall(data)
        return answer_of(connection)


def answer_of(connection: socket.socket) -> Answer:
    """What the server sends until it closes."""
    received = bytearray()
    with contextlib.suppress(ConnectionError):
        while piece := connection.recv(1 << 16):
            received += piece
    return parsed(bytes(received))


async def ask(address: tuple[str, int], data: bytes) -> Answer:
    """``exchange`` on the loop that also serves it."""
    reader, writer = await asyncio.open_connection(*address)
    try:
        writer.write(data)
        return parsed(await asyncio.wait_for(reader.read(), PATIENCE))
    finally:
        writer.transport.abort()


def parsed(data: bytes) -> Answer:
    """Take an answer apart."""
    head, _, body = data.partition(b"\r\n\r\n")
    return Answer(int(head.split(b" ", 2)[1]) if head else 0, head, body)
