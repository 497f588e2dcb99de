"""Errors in the words of whom they are for: Ollama's clients, OpenAI's or Anthropic's.

The path tells. Statuses are the same in every dialect; the objects are those of the reference,
Ollama API 1.4 (Ollama), 14.1 (OpenAI) and 14.7 (Anthropic).
"""

import secrets
from collections.abc import Callable
from typing import Any

from ollama_nb.errors import MissingBody, OllamaError

Dialect = Callable[[int, str], dict[str, Any]]
"""Makes an error object of a status and a text."""

_OPENAI_TYPES = {400: "invalid_request_error", 404: "not_found_error"}
_ANTHROPIC_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    429: "rate_limit_error",
    503: "overloaded_error",
    529: "overloaded_error",
}
_ANY_OTHER = "api_error"
_END_OF_FILE = "EOF"
"""What a missing body is called where Ollama's own text is not."""


def ollama_error(status: int, text: str) -> dict[str, Any]:
    """``/api``: the text alone."""
    return {"error": text}


def openai_error(status: int, text: str) -> dict[str, Any]:
    """``/v1``: always these four keys."""
    kind = _OPENAI_TYPES.get(status, _ANY_OTHER)
    return {"error": {"message": text, "type": kind, "param": None, "code": None}}


def anthropic_error(status: int, text: str) -> dict[str, Any]:
    """``/v1/messages``: with an id of its own."""
    kind = _ANTHROPIC_TYPES.get(status, _ANY_OTHER)
    request_id = f"req_{secrets.token_hex(12)}"
    return {"type": "error", "error": {"type": kind, "message": text}, "request_id": request_id}


def dialect_of(path: str) -> Dialect:
    """Choose by the contract's path, whether it is a route or not; its query does not matter."""
    first, second, *_ = *path.partition("?")[0].split("/")[1:], "", ""
    if first != "v1":
        return ollama_error
    return anthropic_error if second == "messages" else openai_error


def error_text(error: OllamaError, path: str) -> str:
    """What this error says to who has asked for ``path``."""
    if isinstance(error, MissingBody) and dialect_of(path) is not ollama_error:
        return _END_OF_FILE
    return str(error)
