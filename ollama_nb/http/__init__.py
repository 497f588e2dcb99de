"""Ollama's HTTP contract without a web framework.

One table says which function answers which path; a front (tornado under ``server/``, httpx in
``client/``) turns its own requests into ``Request``, calls ``handle`` and delivers the
``Response``. Synchronous; knows neither sockets nor authentication.
"""

from .bodies import Body
from .handling import begin, find, handle, takes_pieces
from .messages import (
    BODY_LIMIT,
    SERVER,
    Request,
    Response,
    check_body_headers,
    error_response,
    refusal,
)
from .route import Route
from .routes import ROUTES
from .sinks import Incoming, failed_response

__all__ = [
    "BODY_LIMIT",
    "ROUTES",
    "SERVER",
    "Body",
    "Incoming",
    "Request",
    "Response",
    "Route",
    "begin",
    "check_body_headers",
    "error_response",
    "failed_response",
    "find",
    "handle",
    "refusal",
    "takes_pieces",
]
