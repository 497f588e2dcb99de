"""POST /v1/completions: what it asks of generate (reference: Ollama API, 14.3)."""

from typing import Any

from ollama_nb.errors import BadRequest
from ollama_nb.http.messages import Request, Response
from ollama_nb.http.sse import shaped, told
from ollama_nb.service import Service
from ollama_nb.wire import GenerateRequest
from ollama_nb.wire.codec import decode_request
from ollama_nb.wire.openai_types import CompletionRequest

from .completion_answer import CompletionTeller, completion
from .go_types import go_type
from .identity import identity, wants_usage
from .sampling import sampling_options

_IDS = "cmpl"


def completions(service: Service, request: Request) -> Response:
    """POST /v1/completions: complete a text."""
    wanted = decode_request(request.body, CompletionRequest)
    stream = service.generate(generate_request(wanted), owner=request.user)
    named = identity(_IDS, wanted.model)
    if wanted.stream:
        usage = wants_usage(wanted.stream_options)
        return told(stream, CompletionTeller(named, include_usage=usage))
    return shaped(stream, lambda answer: completion(answer, named))


def generate_request(wanted: CompletionRequest) -> GenerateRequest:
    """Say it to generate. Raises BadRequest."""
    return GenerateRequest(
        model=wanted.model,
        prompt=wanted.prompt,
        suffix=wanted.suffix,
        stream=wanted.stream,
        options=sampling_options(wanted, _stops(wanted.stop)),
        logprobs=wanted.logprobs is not None,
        top_logprobs=wanted.logprobs or 0,
    )


def _stops(stop: Any) -> list[str] | None:
    """A text or a list of texts, and of nothing else."""
    if isinstance(stop, str):
        return [stop]
    if not isinstance(stop, list):
        return None
    for one in stop:
        if not isinstance(one, str):
            raise BadRequest(f"invalid type for 'stop' field: {go_type(one)}")
    return stop or None
