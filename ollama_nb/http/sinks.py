"""Bodies that are taken piece by piece, since they are too large for memory.

A front asks ``begin`` for an answer before it reads the body. What it gets is a Response, if
nothing of the body is wanted, or an Incoming, to which it gives the pieces as they come.
"""

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol, TypeVar

from ollama_nb.errors import OllamaError

from .bodies import INTERNAL_ERROR
from .messages import SERVER, Request, Response, error_response

_Result = TypeVar("_Result")

_logger = logging.getLogger(__name__)


class Sink(Protocol):
    """Where a route puts a body."""

    def write(self, piece: bytes | bytearray) -> None:
        """Take the next piece. May block and raise; ``abort`` follows then."""

    def finish(self) -> Response:
        """Answer, now that all of it is there. May block and raise."""

    def abort(self) -> None:
        """Leave nothing behind. Harmless after the end."""


class Incoming:
    """A body on its way. Raises no Exception; one thread at a time, whichever it is."""

    def __init__(self, request: Request, sink: Sink) -> None:
        self._request = request
        self._sink = sink

    def refusal(self, error: OllamaError) -> Response:
        """Answer with what has gone wrong on the way; ``abort`` is another matter."""
        return failed_response(self._request, error)

    def write(self, piece: bytes | bytearray) -> Response | None:
        """Take the next piece. A Response is the answer: nothing more is wanted."""
        answer = answered(self._request, lambda: self._sink.write(piece))
        if answer is not None:
            self.abort()
        return answer

    def finish(self) -> Response:
        """Answer, now that all of it is there."""
        return answered(self._request, self._sink.finish)

    def abort(self) -> None:
        """The sender has gone: leave nothing behind. Harmless after the end."""
        self._sink.abort()


def answered(request: Request, work: Callable[[], _Result]) -> _Result | Response:
    """Do a part of answering. What it raises becomes a Response; those get their headers."""
    try:
        result: _Result | Response = work()
    except OllamaError as error:
        result = error_response(error, request.path)
    except Exception:
        _logger.exception("%s %s failed", request.method, request.path.partition("?")[0])
        result = error_response(OllamaError(INTERNAL_ERROR), request.path)
    return _complete(request, result) if isinstance(result, Response) else result


def failed_response(request: Request, error: OllamaError) -> Response:
    """Answer with what has gone wrong after ``handle`` or ``begin`` had answered."""
    return _complete(request, error_response(error, request.path))


def _complete(request: Request, response: Response) -> Response:
    headers = {"Server": SERVER, **response.headers}
    if request.method == "HEAD" and isinstance(response.body, bytes):
        # What GET would have sent, except the body.
        length = str(len(response.body))
        return Response(response.status, {**headers, "Content-Length": length})
    return replace(response, headers=headers)
