"""The one function through which every front asks: from a request to the row that answers it."""

from collections import defaultdict
from collections.abc import Sequence

from ollama_nb.errors import BodyTooLarge, MethodNotAllowed, UnknownRoute
from ollama_nb.service import Service

from . import packing
from .messages import BODY_LIMIT, Request, Response, check_body_headers
from .route import Route
from .routes import ROUTES
from .sinks import Incoming, Sink, answered

_ITEM = "/:digest"
"""Ends the path of a row that takes any item there."""
_NAME = "/:model"
"""Ends the path of a row that takes any name there, slashes and all."""
_WITH_BODY = frozenset({"POST", "PUT", "PATCH", "DELETE"})


_BY_PATH: dict[str, list[Route]] = defaultdict(list)
for _route in ROUTES:
    _BY_PATH[_route.path].append(_route)
_NAMED = [
    (path.removesuffix(_NAME) + "/", rows)
    for path, rows in _BY_PATH.items()
    if path.endswith(_NAME)
]


def find(method: str, path: str) -> Route:
    """Look a request up; its query does not matter. Raises UnknownRoute, MethodNotAllowed."""
    routes = _rows(path.partition("?")[0])
    if not routes:
        raise UnknownRoute
    for route in routes:
        if method in route.methods:
            return route
    raise MethodNotAllowed(*(method for route in routes for method in route.methods))


def _rows(path: str) -> Sequence[Route]:
    """The rows of a path, whatever their methods."""
    before, _, item = path.rpartition("/")
    named = (rows for folder, rows in _NAMED if path.startswith(folder))
    below: Sequence[Route] = (_BY_PATH.get(before + _ITEM) or next(named, ())) if item else ()
    return _BY_PATH.get(path, below)


def takes_pieces(request: Request) -> bool:
    """Whether the body goes to a Sink, so that a front asks ``begin`` instead of ``handle``."""
    routes = _rows(request.path.partition("?")[0])
    return any(route.in_pieces and request.method in route.methods for route in routes)


def handle(service: Service, request: Request) -> Response:
    """Answer a request. May block while a model loads; raises no Exception.

    A Body in the response can still raise an OllamaError before its first piece, which the front
    answers with ``failed_response``.
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
        check_body_headers(request, packing=route.packing)
        if len(request.body) > BODY_LIMIT:
            raise BodyTooLarge(BODY_LIMIT)
        if route.packing:
            request = packing.unpacked(request)
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
