"""Ollama's own routes, a small function each: read the request, ask the service, shape the answer.

Fields and texts: reference Ollama API, 6 (generate), 9 (embed), 10 (information), 12 (copy, delete)
and 13 (pull, push).
"""

from collections.abc import Callable
from dataclasses import replace

from ollama_nb.service import Service, Stream
from ollama_nb.wire import (
    ChatRequest,
    CloudStatus,
    CopyRequest,
    CreateRequest,
    DeleteRequest,
    EmbeddingsRequest,
    EmbedRequest,
    GenerateRequest,
    ProgressResponse,
    PullRequest,
    ShowRequest,
    StatusResponse,
)
from ollama_nb.wire.codec import decode_request

from .bodies import Chunk, Lines, Whole
from .messages import (
    JSON,
    NDJSON,
    PLAIN_JSON,
    Request,
    Response,
    json_response,
    stream_headers,
    text_response,
)
from .older import without_documented_key, without_samples

# Shows the name in its own list by this key.
_COPILOT = "GitHubCopilotChat/"


def heartbeat(service: Service, request: Request) -> Response:
    """GET /: what the command line and install guides look for."""
    return text_response("Ollama is running")


def version(service: Service, request: Request) -> Response:
    """GET /api/version: the level of the contract, not of this package."""
    return json_response(service.version())


def tags(service: Service, request: Request) -> Response:
    """GET /api/tags: the models on disk."""
    return json_response(service.list())


def ps(service: Service, request: Request) -> Response:
    """GET /api/ps: the loaded models."""
    return json_response(service.ps())


def status(service: Service, request: Request) -> Response:
    """GET /api/status: that no model runs elsewhere, which nobody here can change."""
    return json_response(StatusResponse(CloudStatus(disabled=True, source="env")))


def generate(service: Service, request: Request) -> Response:
    """POST /api/generate: complete a prompt, or load or unload a model."""
    wanted = decode_request(request.body, GenerateRequest)
    shape = without_samples if service.settings.strict else None
    return _streamed(service.generate(wanted, owner=request.user), shape, lines=wanted.stream)


def chat(service: Service, request: Request) -> Response:
    """POST /api/chat: the next message of a conversation, or load or unload a model."""
    wanted = decode_request(request.body, ChatRequest)
    return _streamed(service.chat(wanted, owner=request.user), lines=wanted.stream)


def embed(service: Service, request: Request) -> Response:
    """POST /api/embed: texts to vectors."""
    wanted = decode_request(request.body, EmbedRequest)
    stream = service.embed(wanted, owner=request.user)
    return Response(200, {"Content-Type": JSON}, Whole(stream, many="embeddings"))


def embeddings(service: Service, request: Request) -> Response:
    """POST /api/embeddings: one text to a vector, the older way."""
    wanted = decode_request(request.body, EmbeddingsRequest)
    shape = without_documented_key if service.settings.strict else None
    return _streamed(service.embeddings(wanted, owner=request.user), shape, lines=False)


def show(service: Service, request: Request) -> Response:
    """POST /api/show: everything about a model on disk."""
    wanted = decode_request(request.body, ShowRequest)
    answer = service.show(wanted)
    if request.headers.get("user-agent", "").startswith(_COPILOT):
        answer.model_info["general.basename"] = wanted.model
    return json_response(answer)


def copy(service: Service, request: Request) -> Response:
    """POST /api/copy: a second name."""
    service.copy(decode_request(request.body, CopyRequest))
    return Response(200, {})


def delete(service: Service, request: Request) -> Response:
    """DELETE /api/delete: remove a model. POST too, since some proxies drop a DELETE's body."""
    service.delete(decode_request(request.body, DeleteRequest))
    return Response(200, {})


def pull(service: Service, request: Request) -> Response:
    """POST /api/pull: fetch a model."""
    wanted = decode_request(request.body, PullRequest)
    return _progress(service.pull(wanted), wanted)


def push(service: Service, request: Request) -> Response:
    """POST /api/push: send a model."""
    wanted = decode_request(request.body, PullRequest)
    return _progress(service.push(wanted), wanted)


def create(service: Service, request: Request) -> Response:
    """POST /api/create: make a model."""
    wanted = decode_request(request.body, CreateRequest)
    return _progress(service.create(wanted), wanted)


def _progress(stream: Stream[ProgressResponse], wanted: PullRequest | CreateRequest) -> Response:
    answer = _streamed(stream, lines=wanted.stream)
    return answer if wanted.stream else replace(answer, headers={"Content-Type": PLAIN_JSON})


def _streamed(
    stream: Stream[Chunk], shape: Callable[[Chunk], Chunk] | None = None, *, lines: bool
) -> Response:
    """Answer line by line, or as one object where that was asked or nothing is to be waited for."""
    if lines and not stream.whole:
        return Response(200, stream_headers(NDJSON), Lines(stream, shape))
    return Response(200, {"Content-Type": JSON}, Whole(stream, shape))
