"""GET /v1/models and /v1/models/:model: what tags and show tell (reference: Ollama API, 14.4)."""

from datetime import datetime

import msgspec

from ollama_nb.http.messages import PLAIN_JSON, Request, Response
from ollama_nb.names import Name
from ollama_nb.service import Service
from ollama_nb.wire import ShowRequest
from ollama_nb.wire.codec import encode
from ollama_nb.wire.openai_types import OpenAIModel, OpenAIModelList

_FOLDER = "/v1/models"


def models(service: Service, request: Request) -> Response:
    """GET /v1/models: the models on disk, newest first."""
    found = [_model(one.name, one.modified_at) for one in service.list().models]
    return _json(OpenAIModelList(data=found))


def model(service: Service, request: Request) -> Response:
    """GET /v1/models/:model: one model; slashes in its name stand as they are or as %2F."""
    name = request.below(_FOLDER)
    return _json(_model(name, service.show(ShowRequest(model=name)).modified_at))


def _model(name: str, modified_at: str) -> OpenAIModel:
    """Name it as the client does, or as tags do."""
    created = int(datetime.fromisoformat(modified_at).timestamp())
    return OpenAIModel(id=name, created=created, owned_by=Name.parse(name).namespace)


def _json(answer: msgspec.Struct) -> Response:
    return Response(200, {"Content-Type": PLAIN_JSON}, encode(answer))
