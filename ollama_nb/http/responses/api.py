"""The route of OpenAI's Responses API."""

from ollama_nb.http.messages import Request, Response
from ollama_nb.http.sse import shaped, told
from ollama_nb.service import Service
from ollama_nb.wire.codec import decode_request
from ollama_nb.wire.responses_types import ResponsesRequest

from .draft import Draft
from .events import ResponsesTeller
from .request import generation_request


def responses(service: Service, request: Request) -> Response:
    """POST /v1/responses: answer an input."""
    asked = decode_request(request.body, ResponsesRequest)
    wanted = generation_request(asked)
    draft = Draft(asked)
    stream = service.chat(wanted, owner=request.user)
    if wanted.stream:
        return told(stream, ResponsesTeller(draft))
    return shaped(stream, draft.whole)
