"""The route table.

A new route is one row here and one small function, in ``api.py`` or in the package of its dialect.
A path may end with what the request names: ``/:digest`` is one part, ``/:model`` may have slashes.
Fronts take from the table what they mount and whom they let in.
"""

from ollama_nb import errors, wire
from ollama_nb.service import Service
from ollama_nb.wire import (
    anthropic_types,
    openai_chat_types,
    openai_types,
    responses_events,
    responses_types,
)

from . import anthropic, api, blobs, openai, packing, responses
from .messages import PLAIN_JSON, Request, Response
from .openapi import document
from .route import Route

_READ = ("GET", "HEAD")


def _openapi(service: Service, request: Request) -> Response:
    """GET /openapi.json: all of this, for programs."""
    return Response(200, {"Content-Type": PLAIN_JSON}, document(ROUTES))


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
    Route(("GET",), "/openapi.json", _openapi, action="read", resource="openapi", gives=dict),
)  # fmt: skip
