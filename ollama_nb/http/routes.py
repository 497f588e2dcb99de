"""The route table, and the one function through which every front asks.

A new route is one row here and one small function, in ``api.py`` or in the package of its dialect.
A path may end with what the request names: ``/:digest`` is one part, ``/:model`` may have slashes.
Fronts take from the table what they mount and whom they let in.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import msgspec

from ollama_nb import errors, wire
from ollama_nb.errors import BodyTooLarge, MethodNotAllowed, OllamaError, UnknownRoute
from ollama_nb.service import Service
from ollama_nb.wire import (
    anthropic_types,
    openai_chat_types,
    openai_types,
    responses_events,
    responses_types,
)

from . import anthropic, api, blobs, openai, packing, responses
from .messages import BODY_LIMIT, Request, Response, check_body_headers
from .sinks import Incoming, Sink, answered

Action = Literal["", "read", "write", "execute"]

_READ = ("GET", "HEAD")
_ITEM = "/:digest"
"""Ends the path of a row that takes any item there."""
_NAME = "/:model"
"""Ends the path of a row that takes any name there, slashes and all."""
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
    packing: str = ""
    """The Content-Encoding that it takes bodies in, beside none."""

    takes: type[msgspec.Struct] | None = None
    """What its JSON body is read as. This and the rest only describe: see ``openapi.py``."""
    gives: type | None = None
    """What it answers with, whole: an object or a text; None: nothing but a status."""
    streams: tuple[type[msgspec.Struct], ...] = ()
    """What it answers with piece by piece, where it is asked to."""
    statuses: tuple[int, ...] = (200,)
    """Of success."""
    raises: tuple[type[OllamaError], ...] = ()
    """What it fails with, beside what any route of its kind does."""

    @property
    def public(self) -> bool:
        """Whether it answers without authentication."""
        return not self.action


# What work of a kind fails with.
_ENGINE = (
    errors.ModelNotFound, errors.Cancelled, errors.InvalidOption, errors.LoadFailed, errors.Busy,
)  # fmt: skip
_STORE = (errors.ReadOnlyStore, errors.StoreError, errors.DiskFull)
_MAKING = (
    errors.InvalidModelfile, errors.UnusableFiles, errors.Unconvertible, errors.BlobNotFound,
    errors.RegistryError, *_STORE,
)  # fmt: skip

ROUTES = (
    Route(_READ, "/", api.heartbeat, gives=str),
    Route(_READ, "/api/version", api.version, gives=wire.VersionResponse),
    Route(_READ, "/api/tags", api.tags, action="read", resource="tags", gives=wire.ListResponse),
    Route(("GET",), "/api/ps", api.ps, action="read", resource="ps", gives=wire.ProcessResponse),
    Route(
        ("GET",), "/api/status", api.status, action="read", resource="status",
        gives=wire.StatusResponse,
    ),
    Route(
        ("POST",), "/api/generate", api.generate, action="execute", resource="generate",
        takes=wire.GenerateRequest, gives=wire.GenerateResponse, streams=(wire.GenerateResponse,),
        raises=(*_ENGINE, errors.UnsupportedCapability, errors.InvalidFormat),
    ),
    Route(
        ("POST",), "/api/chat", api.chat, action="execute", resource="chat",
        takes=wire.ChatRequest, gives=wire.ChatResponse, streams=(wire.ChatResponse,),
        raises=(*_ENGINE, errors.UnsupportedCapability, errors.InvalidFormat),
    ),
    Route(
        ("POST",), "/api/embed", api.embed, action="execute", resource="embed",
        takes=wire.EmbedRequest, gives=wire.EmbedResponse, raises=_ENGINE,
    ),
    Route(
        ("POST",), "/api/embeddings", api.embeddings, action="execute", resource="embed",
        takes=wire.EmbeddingsRequest, gives=wire.EmbeddingsResponse, raises=_ENGINE,
    ),
    Route(
        ("POST",), "/api/show", api.show, action="read", resource="show",
        takes=wire.ShowRequest, gives=wire.ShowResponse,
        raises=(errors.ModelNotFound, errors.StoreError),
    ),
    Route(
        ("POST",), "/api/create", api.create, action="write", resource="create",
        takes=wire.CreateRequest, gives=wire.ProgressResponse, streams=(wire.ProgressResponse,),
        raises=_MAKING,
    ),
    Route(
        ("POST",), "/api/copy", api.copy, action="write", resource="copy",
        takes=wire.CopyRequest, raises=(errors.ModelNotFound, *_STORE),
    ),
    Route(
        ("DELETE", "POST"), "/api/delete", api.delete, action="write", resource="delete",
        takes=wire.DeleteRequest, raises=(errors.ModelNotFound, *_STORE),
    ),
    Route(
        ("POST",), "/api/pull", api.pull, action="write", resource="pull",
        takes=wire.PullRequest, gives=wire.ProgressResponse, streams=(wire.ProgressResponse,),
        raises=(errors.RegistryError, *_STORE),
    ),
    Route(
        ("POST",), "/api/push", api.push, action="execute", resource="push",
        takes=wire.PullRequest, gives=wire.ProgressResponse, streams=(wire.ProgressResponse,),
        raises=(errors.ModelNotFound, errors.RegistryError, errors.StoreError),
    ),
    Route(
        ("HEAD",), "/api/blobs/:digest", blobs.find_blob, action="read", resource="blobs",
        raises=(errors.InvalidDigest, errors.NotFound),
    ),
    Route(
        ("POST",), "/api/blobs/:digest", blobs.take_blob, action="write", resource="blobs",
        in_pieces=True, statuses=(200, 201),
        raises=(errors.InvalidDigest, errors.DigestMismatch, errors.UnreadableBody, *_STORE),
    ),
    Route(
        ("POST",), "/v1/chat/completions", openai.chat_completions, action="execute",
        resource="chat", takes=openai_chat_types.ChatCompletionRequest,
        gives=openai_chat_types.ChatCompletionResponse,
        streams=(openai_chat_types.ChatCompletionChunk,),
        raises=(*_ENGINE, errors.UnsupportedCapability),
    ),
    Route(
        ("POST",), "/v1/completions", openai.completions, action="execute", resource="generate",
        takes=openai_types.CompletionRequest, gives=openai_types.CompletionResponse,
        streams=(openai_types.CompletionResponse,),
        raises=(*_ENGINE, errors.UnsupportedCapability),
    ),
    Route(
        ("POST",), "/v1/embeddings", openai.embeddings, action="execute", resource="embed",
        takes=openai_types.OpenAIEmbeddingRequest, gives=openai_types.OpenAIEmbeddingResponse,
        raises=_ENGINE,
    ),
    Route(
        ("GET",), "/v1/models", openai.models, action="read", resource="tags",
        gives=openai_types.OpenAIModelList,
    ),
    Route(
        ("GET",), "/v1/models/:model", openai.model, action="read", resource="show",
        gives=openai_types.OpenAIModel,
        raises=(errors.InvalidName, errors.ModelNotFound, errors.StoreError),
    ),
    Route(
        ("POST",), "/v1/responses", responses.responses, action="execute", resource="chat",
        packing=packing.ENCODING,
        takes=responses_types.ResponsesRequest, gives=responses_types.ResponseObject,
        streams=responses_events.EVENTS, raises=(*_ENGINE, errors.UnsupportedCapability),
    ),
    Route(
        ("POST",), "/v1/messages", anthropic.messages, action="execute", resource="chat",
        takes=anthropic_types.MessagesRequest, gives=anthropic_types.MessagesResponse,
        streams=anthropic_types.EVENTS, raises=(*_ENGINE, errors.UnsupportedCapability),
    ),
    Route(
        ("POST",), "/v1/messages/count_tokens", anthropic.count_tokens, action="execute",
        resource="chat", takes=anthropic_types.CountTokensRequest, gives=anthropic_types.TokenCount,
        raises=(*_ENGINE, errors.UnsupportedCapability),
    ),
    Route(("GET",), "/openapi.json", api.openapi, action="read", resource="openapi", gives=dict),
)  # fmt: skip

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
    raise MethodNotAllowed


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
