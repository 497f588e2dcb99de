"""Requests and responses, between httpx's and the contract's."""

import httpx

from ollama_nb.errors import OllamaError
from ollama_nb.http import Incoming, Request, Response, failed_response


def asked(request: httpx.Request) -> Request:
    """What httpx asks, as yet without its body."""
    return Request(
        request.method,
        request.url.raw_path.decode("ascii"),
        {name.lower(): value for name, value in request.headers.items()},
    )


def ready(answer: Response) -> httpx.Response:
    """An answer whose bytes are there."""
    content = answer.body if isinstance(answer.body, bytes) else b""
    return httpx.Response(answer.status, headers=dict(answer.headers), content=content)


def drop(answer: Response | Incoming) -> None:
    """Stop what goes on behind an answer that nobody waits for any more."""
    if isinstance(answer, Incoming):
        answer.abort()
    elif not isinstance(answer.body, bytes):
        answer.body.cancel()


def failed(error: OllamaError, request: Request) -> httpx.Response:
    """What a body answers that fails before its first piece (1.4)."""
    return ready(failed_response(request, error))
