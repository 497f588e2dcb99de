"""What passes between a process and its worker: messages over one socket, each with its length.

Calls and requests are numbered by the one who asks. Errors travel as the name of their class and
their text, which is all that anybody reads of them.
"""

import math
import socket
import struct
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any

import msgspec

from ollama_nb import errors
from ollama_nb.errors import EngineError, OllamaError

from .host import Vocabulary
from .sequence import Event, Picture, Request
from .spec import LoadSpec

LOAD = 0
"""The number of the first call, which is the load."""
_LENGTH = struct.Struct("!I")
_MOST_AT_ONCE = 1 << 16


class Load(msgspec.Struct, tag=True):
    """The first message to a worker; answered by Loaded, or a Fault of call LOAD and the end."""

    spec: LoadSpec


class Tokenize(msgspec.Struct, tag=True):
    """Answered by a Result with token ids."""

    call: int
    parts: list[str | Picture]
    start: bool


class Detokenize(msgspec.Struct, tag=True):
    """Answered by a Result with text."""

    call: int
    tokens: list[int]


class Submit(msgspec.Struct, tag=True):
    """Begin the request ``call``; answered by an empty Result; then there are Tidings of it."""

    call: int
    request: Request


class Cancel(msgspec.Struct, tag=True):
    """End the request ``call`` soon."""

    call: int


class Close(msgspec.Struct, tag=True):
    """End every request, free the model, and exit."""


class Loaded(msgspec.Struct, tag=True):
    """The model is ready."""

    vocabulary: Vocabulary


class Result(msgspec.Struct, tag=True):
    """What a call returned."""

    call: int
    value: list[int] | str | None = None


class Fault(msgspec.Struct, tag=True):
    """What a call, or the request of that number, raised."""

    call: int
    kind: str
    text: str

    @classmethod
    def of(cls, call: int, error: BaseException) -> "Fault":
        """Describe an error; what is none of ours becomes an EngineError."""
        kind = type(error).__name__ if isinstance(error, OllamaError) else EngineError.__name__
        return cls(call, kind, str(error).encode("utf-8", "replace").decode())

    def error(self) -> OllamaError:
        """Return the error, with the class and the text that it had."""
        kind = getattr(errors, self.kind, EngineError)
        error: OllamaError = kind.__new__(kind)
        error.args = (self.text,)
        return error


class Tidings(msgspec.Struct, tag=True):
    """What happened to the request of that number."""

    call: int
    event: Event


class Beat(msgspec.Struct, tag=True):
    """Nothing but a sign of life."""


Order = Load | Tokenize | Detokenize | Submit | Cancel | Close
Report = Loaded | Result | Fault | Tidings | Beat


class Channel:
    """One end of the socket. Any thread may send, which never waits; one receives."""

    def __init__(
        self, end: socket.socket, incoming: Any, lost: Callable[[], None] = lambda: None
    ) -> None:
        """Take the socket, and the type of the messages that come in (Order or Report).

        ``lost`` is called, on a thread of ours, when the other end takes nothing more.
        """
        self._socket = end
        self._lost = lost
        self._decoder = msgspec.msgpack.Decoder(incoming)
        self._inbox = bytearray()
        self._outbox: SimpleQueue[bytes | None] = SimpleQueue()
        self.patience_s = math.inf
        """After how long a silence ``receive`` fails."""
        self._sender = threading.Thread(target=self._send_all, name="ollama-nb-send", daemon=True)
        self._sender.start()

    def send(self, message: Order | Report) -> None:
        """Send a message soon, in order. Raises UnicodeEncodeError, OverflowError."""
        data = msgspec.msgpack.encode(message)
        self._outbox.put(_LENGTH.pack(len(data)) + data)

    def receive(self) -> Any:
        """Wait for the next message; None at the end. Raises TimeoutError after a long silence."""
        while (end := self._end_of_frame()) > len(self._inbox):
            try:
                data = self._socket.recv(_MOST_AT_ONCE)
            except ConnectionError:
                return None
            if not data:
                return None
            self._inbox += data
        with memoryview(self._inbox) as view:
            message = self._decoder.decode(view[_LENGTH.size : end])
        del self._inbox[:end]
        return message

    def expect_within(self, seconds: float) -> None:
        """Let ``receive`` fail after such a silence."""
        self._socket.settimeout(seconds)
        self.patience_s = seconds

    def close(self) -> None:
        """Send what is still to be sent, then close."""
        self._outbox.put(None)
        self._sender.join()
        self._socket.close()

    def _send_all(self) -> None:
        """Send whole frames: a thread of its own cannot be interrupted in the middle of one."""
        frames: list[bytes | None] = []
        try:
            while None not in frames:
                frames = [self._outbox.get()]
                while not self._outbox.empty():  # all events of a step go together
                    frames.append(self._outbox.get())
                self._socket.sendall(b"".join(frame for frame in frames if frame is not None))
        except OSError:
            self._lost()

    def _end_of_frame(self) -> int:
        """Where the first frame ends, as far as can be told from what is there."""
        if len(self._inbox) < _LENGTH.size:
            return _LENGTH.size
        length: int = _LENGTH.unpack_from(self._inbox)[0]
        return _LENGTH.size + length
