"""The route table, and the one function through which every front asks.

A new route is one row here and one small function in ``api.py``. Fronts take from the table what
they mount and whom they let in.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from ollama_nb.errors import BodyTooLarge, MethodNotAllowed, OllamaError, UnknownRoute
from ollama_nb.service import Service

from . import api
from .bodies import INTERNAL_ERROR
from .messages import BODY_LIMIT, SERVER, Request, Response, check_body_headers, error_response

_logger = logging.getLogger(__name__)

Action = Literal["", "read", "write", "execute"]

_READ = ("GET", "HEAD")
_WITH_BODY = frozenset({"POST", "PUT", "PATCH", "DELETE"})


@dataclass(frozen=True, slots=True)
class Route:
    """One row: which requests it takes, what answers them, and what a caller must be allowed."""

    methods: tuple[str, ...]
    path: str
    answer: Callable[[Service, Request], Response]
    action: Action = ""
    """What the caller does, in jupyter-server's words; empty where anybody may ask."""
    resource: str = ""
    """To what, for an authorizer; the fronts put ``ollama:`` before it."""

    @property
    def public(self) -> bool:
        """Whether it answers without authentication."""
        return not self.action


ROUTES = (
    Route(_READ, "/", api.heartbeat),
    Route(_READ, "/api/version", api.version),
    Route(_READ, "/api/tags", api.tags, action="read", resource="tags"),
    Route(("GET",), "/api/ps", api.ps, action="read", resource="ps"),
    Route(("POST",), "/api/generate", api.generate, action="execute", resource="generate"),
    Route(("POST",), "/api/embed", api.embed, action="execute", resource="embed"),
    Route(("POST",), "/api/embeddings", api.embeddings, action="execute", resource="embed"),
)

_BY_PATH = {route.path: route for route in ROUTES}


def find(method: str, path: str) -> Route:
    """Look a request up; its query does not matter. Raises UnknownRoute, MethodNotAllowed."""
    route = _BY_PATH.get(path.partition("?")[0])
    if route is None:
        raise UnknownRoute
    if method not in route.methods:
        raise MethodNotAllowed
    return route


def handle(service: Service, request: Request) -> Response:
    """Answer a request. May block while a model loads; raises no Exception.

    A Body in the response can still raise an OllamaError before its first piece, which the front
    answers with ``error_response``.
    """
    try:
        response = _redirect(request) or _answer(service, request)
    except OllamaError as error:
        response = error_response(error)
    except Exception:
        _logger.exception("%s %s failed", request.method, request.path.partition("?")[0])
        response = error_response(OllamaError(INTERNAL_ERROR))
    headers = {"Server": SERVER, **response.headers}
    if request.method == "HEAD" and isinstance(response.body, bytes):
        # What GET would have sent, except the body.
        length = str(len(response.body))
        return Response(response.status, {**headers, "Content-Length": length})
    return replace(response, headers=headers)


def _answer(service: Service, request: Request) -> Response:
    route = find(request.method, request.path)
    if request.method in _WITH_BODY:
        check_body_headers(request.headers)
        if len(request.body) > BODY_LIMIT:
            raise BodyTooLarge(BODY_LIMIT)
    return route.answer(service, request)


def _redirect(request: Request) -> Response | None:
    """Lead away from a trailing slash (1.4), relatively: a front may serve us below any path."""
    path, mark, query = request.path.partition("?")
    bare = path.removesuffix("/")
    name = bare.rpartition("/")[2]
    route = _BY_PATH.get(bare)
    if bare == path or not name or route is None or request.method not in route.methods:
        return None
    status = 301 if request.method == "GET" else 307
    return Response(status, {"Location": f"../{name}{mark}{query}"})
