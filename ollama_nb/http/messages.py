"""What goes in and what comes out: requests, responses, and the few shapes an answer has.

Plain values. Statuses and texts come from the errors (reference: Ollama API, 1.3, 1.4).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote

import msgspec

from ollama_nb._version import __version__
from ollama_nb.errors import (
    BodyTooLarge,
    MethodNotAllowed,
    OllamaError,
    UnknownRoute,
    UnreadableBody,
)
from ollama_nb.wire.codec import encode

from .bodies import Body
from .dialects import dialect_of, error_text, ollama_error

BODY_LIMIT = 64 << 20
"""Bytes of a JSON body; images travel inside it as base64."""

SERVER = f"ollama_nb/{__version__}"
"""Our own version, for the Server header; ``/api/version`` tells the contract's."""

JSON = "application/json; charset=utf-8"
PLAIN_JSON = "application/json"
"""Of the last object of work and of everything below /v1, as Ollama sends it."""
NDJSON = "application/x-ndjson"
EVENTS = "text/event-stream"
TEXT = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Request:
    """One request as the contract sees it: ``path`` may carry a query, which nobody reads."""

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    """Names in lower case."""
    body: bytes = b""
    user: str = ""
    """Who asks, if the front knows: users take turns, and their prompts stay apart."""

    @property
    def item(self) -> str:
        """What the last part of the path names, such as a digest."""
        return unquote(self.path.partition("?")[0].rpartition("/")[2])

    def below(self, folder: str) -> str:
        """What the path names below ``folder``, such as a model with slashes in its name."""
        return unquote(self.path.partition("?")[0].removeprefix(f"{folder}/"))

    @property
    def encoding(self) -> str:
        """How the body is packed."""
        return self.headers.get("content-encoding", "").strip().lower()

    @property
    def announced(self) -> int:
        """Bytes of the body, as far as the headers tell; else 0."""
        length = self.headers.get("content-length", "").strip()
        return int(length[:20]) if length.isascii() and length.isdigit() else 0


@dataclass(frozen=True, slots=True)
class Response:
    """One answer: ready bytes, or a Body that is still being produced."""

    status: int
    headers: Mapping[str, str]
    body: bytes | Body = b""


def json_response(answer: msgspec.Struct) -> Response:
    """One JSON object, complete."""
    return Response(200, {"Content-Type": JSON}, encode(answer))


def stream_headers(kind: str) -> dict[str, str]:
    """Headers of an answer that goes out piece by piece.

    Proxies in front of a Hub collect one before they pass it on unless they are told not to.
    """
    return {"Content-Type": kind, "Cache-Control": "no-cache", "X-Accel-Buffering": "no"}


def text_response(text: str, status: int = 200, **headers: str) -> Response:
    """A line for humans and heartbeats."""
    return Response(status, {"Content-Type": TEXT, **headers}, text.encode())


def refusal(status: int, text: str, path: str) -> Response:
    """An error object in the dialect of ``path``: for what a front refuses by itself."""
    dialect = dialect_of(path)
    kind = JSON if dialect is ollama_error else PLAIN_JSON
    return Response(status, {"Content-Type": kind}, msgspec.json.encode(dialect(status, text)))


def error_response(error: OllamaError, path: str) -> Response:
    """Write an error with the status of its class, in the dialect of the ``path`` asked for.

    Unknown paths and methods are plain text.
    """
    if isinstance(error, UnknownRoute):
        return text_response(str(error), error.status)
    if isinstance(error, MethodNotAllowed):
        allow = {"Allow": ", ".join(error.allowed)} if error.allowed else {}
        return text_response(str(error), error.status, **allow)
    return refusal(error.status, error_text(error, path), path)


def check_body_headers(request: Request, *, packing: str = "") -> None:
    """Refuse from its headers a body that would not be read: too long, packed, or a form's parts.

    ``packing`` is the one Content-Encoding that is read. Any other Content-Type is read as JSON
    (1.2).
    """
    if not packing or request.encoding != packing:
        check_encoding(request)
    if request.headers.get("content-type", "").strip().lower().startswith("multipart/"):
        raise UnreadableBody("multipart request bodies are not accepted; send JSON")
    if request.announced > BODY_LIMIT:
        raise BodyTooLarge(BODY_LIMIT)


def check_encoding(request: Request) -> None:
    """Refuse a packed body, whatever it is."""
    if request.encoding not in ("", "identity"):
        raise UnreadableBody("request bodies with a Content-Encoding are not accepted")
