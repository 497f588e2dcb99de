"""The route table, and the one function through which every front asks.

A new route is one row here and one small function in ``api.py``. A path may end with an item that
the request names, as ``/:digest`` does. Fronts take from the table what
they mount and whom they let in.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from ollama_nb.errors import BodyTooLarge, MethodNotAllowed, UnknownRoute
from ollama_nb.service import Service

from . import api, blobs
from .messages import BODY_LIMIT, Request, Response, check_body_headers
from .sinks import Incoming, Sink, answered

Action = Literal["", "read", "write", "execute"]

_READ = ("GET", "HEAD")
_ITEM = "/:digest"
"""Ends the path of a row that takes any item there."""
_WITH_BODY = frozenset({"POST", "PUT", "PATCH", "DELETE"})


@dataclass(frozen=True, slots=True)
class Route:
    """One row: which requests it takes, what answers them, and what a caller must be allowed."""

    methods: tuple[str, ...]
    path: str
    answer: Callable[[Service, Request], Response | Sink]
    action: Action = ""
    """What the caller does, in jupyter-server's words; empty where anybody may ask."""
    resource: str = ""
    """To what, for an authorizer; the fronts put ``ollama:`` before it."""
    in_pieces: bool = False
    """Whether the body goes to a Sink: of any length, and of any Content-Type."""

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
    Route(("POST",), "/api/show", api.show, action="read", resource="show"),
    Route(("POST",), "/api/create", api.create, action="write", resource="create"),
    Route(("POST",), "/api/copy", api.copy, action="write", resource="copy"),
    Route(("DELETE", "POST"), "/api/delete", api.delete, action="write", resource="delete"),
    Route(("POST",), "/api/pull", api.pull, action="write", resource="pull"),
    Route(("POST",), "/api/push", api.push, action="execute", resource="push"),
    Route(("HEAD",), "/api/blobs/:digest", blobs.find_blob, action="read", resource="blobs"),
    Route(
        ("POST",), "/api/blobs/:digest", blobs.take_blob, action="write", resource="blobs",
        in_pieces=True,
    ),
)  # fmt: skip

_BY_PATH: dict[str, list[Route]] = defaultdict(list)
for _route in ROUTES:
    _BY_PATH[_route.path].append(_route)


def find(method: str, path: str) -> Route:
    """Look a request up; its query does not matter. Raises UnknownRoute, MethodNotAllowed."""
    routes = _rows(path.partition("?")[0])
    if not routes:
        raise UnknownRoute
    for route in routes:
        if method in route.methods:
            return route
    raise MethodNotAllowed


def _rows(path: str) -> Sequence[Route]:
    """The rows of a path, whatever their methods."""
    before, _, item = path.rpartition("/")
    named: Sequence[Route] = _BY_PATH.get(before + _ITEM, ()) if item else ()
    return _BY_PATH.get(path, named)


def takes_pieces(request: Request) -> bool:
    """Whether the body goes to a Sink, so that a front asks ``begin`` instead of ``handle``."""
    routes = _rows(request.path.partition("?")[0])
    return any(route.in_pieces and request.method in route.methods for route in routes)


def handle(service: Service, request: Request) -> Response:
    """Answer a request. May block while a model loads; raises no Exception.

    A Body in the response can still raise an OllamaError before its first piece, which the front
    answers with ``error_response``.
    """
    answer = begin(service, request)
    if isinstance(answer, Response):
        return answer
    return answer.write(request.body) or answer.finish()


def begin(service: Service, request: Request) -> Response | Incoming:
    """Answer a request before its body has come, or begin to, if it is wanted. See ``handle``."""
    answer = answered(request, lambda: _redirect(request) or _answer(service, request))
    return answer if isinstance(answer, Response) else Incoming(request, answer)


def _answer(service: Service, request: Request) -> Response | Sink:
    route = find(request.method, request.path)
    if request.method in _WITH_BODY and not route.in_pieces:
        check_body_headers(request)
        if len(request.body) > BODY_LIMIT:
            raise BodyTooLarge(BODY_LIMIT)
    return route.answer(service, request)


def _redirect(request: Request) -> Response | None:
    """Lead away from a trailing slash (1.4), relatively: a front may serve us below any path."""
    path, mark, query = request.path.partition("?")
    bare = path.removesuffix("/")
    name = bare.rpartition("/")[2]
    if bare == path or not name:
        return None
    if not any(request.method in route.methods for route in _rows(bare)):
        return None
    status = 301 if request.method == "GET" else 307
    return Response(status, {"Location": f"../{name}{mark}{query}"})
