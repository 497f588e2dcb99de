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

BODY_LIMIT = 64 << 20
"""Bytes of a JSON body; images travel inside it as base64."""

SERVER = f"ollama_nb/{__version__}"
"""Our own version, for the Server header; ``/api/version`` tells the contract's."""

JSON = "application/json; charset=utf-8"
PLAIN_JSON = "application/json"
"""Of the last object of work, as Ollama sends it."""
NDJSON = "application/x-ndjson"
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


def text_response(text: str, status: int = 200) -> Response:
    """A line for humans and heartbeats."""
    return Response(status, {"Content-Type": TEXT}, text.encode())


def refusal(status: int, text: str) -> Response:
    """``{"error": text}``: for what a front refuses by itself."""
    return Response(status, {"Content-Type": JSON}, msgspec.json.encode({"error": text}))


def error_response(error: OllamaError) -> Response:
    """Write an error with the status of its class; unknown paths and methods are plain text."""
    if isinstance(error, UnknownRoute | MethodNotAllowed):
        return text_response(str(error), error.status)
    return refusal(error.status, str(error))


def check_body_headers(request: Request) -> None:
    """Refuse from its headers a body that would not be read: too long, packed, or a form's parts.

    Any other Content-Type is read as JSON (1.2).
    """
    check_encoding(request)
    if request.headers.get("content-type", "").strip().lower().startswith("multipart/"):
        raise UnreadableBody("multipart request bodies are not accepted; send JSON")
    if request.announced > BODY_LIMIT:
        raise BodyTooLarge(BODY_LIMIT)


def check_encoding(request: Request) -> None:
    """Refuse a packed body, whatever it is."""
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("", "identity"):
        raise UnreadableBody("request bodies with a Content-Encoding are not accepted")
