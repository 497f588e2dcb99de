"""POST /v1/chat/completions: what it asks of chat (reference: Ollama API, 14.2)."""

from collections.abc import Sequence
from typing import Any

from ollama_nb.errors import BadRequest
from ollama_nb.http.messages import Request, Response
from ollama_nb.http.sse import shaped, told
from ollama_nb.service import Service
from ollama_nb.wire import ChatRequest
from ollama_nb.wire.codec import decode_request
from ollama_nb.wire.openai_chat_types import ChatCompletionRequest, ResponseFormat

from .chat_answer import chat_completion
from .chat_chunks import ChatTeller
from .effort import think_of
from .identity import identity, wants_usage
from .messages import chat_messages
from .sampling import sampling_options
from .tool_choice import chosen

_IDS = "chatcmpl"


def chat_completions(service: Service, request: Request) -> Response:
    """POST /v1/chat/completions: the next message of a conversation."""
    wanted = decode_request(request.body, ChatCompletionRequest)
    stream = service.chat(chat_request(wanted), owner=request.user)
    named = identity(_IDS, wanted.model)
    if wanted.stream:
        return told(stream, ChatTeller(named, include_usage=wants_usage(wanted.stream_options)))
    return shaped(stream, lambda answer: chat_completion(answer, named))


def chat_request(wanted: ChatCompletionRequest) -> ChatRequest:
    """Say it to chat. Raises BadRequest."""
    if not wanted.messages:
        raise BadRequest("[] is too short - 'messages'")
    options = sampling_options(wanted, _stops(wanted.stop))
    if wanted.max_completion_tokens is not None:
        options["num_predict"] = wanted.max_completion_tokens
    tools, tool_choice = chosen(wanted.tools or (), wanted.tool_choice, _function_name)
    return ChatRequest(
        model=wanted.model,
        messages=chat_messages(wanted.messages),
        tools=tools,
        tool_choice=tool_choice,
        stream=wanted.stream,
        format=_format(wanted.response_format),
        options=options,
        think=think_of(wanted.reasoning.effort if wanted.reasoning else wanted.reasoning_effort),
        logprobs=wanted.logprobs,
        top_logprobs=wanted.top_logprobs,
    )


def _stops(stop: Any) -> list[str] | None:
    """A text or a list of texts; what else it holds has never counted here."""
    given: Sequence[Any] = stop if isinstance(stop, list) else [stop]
    return [one for one in given if isinstance(one, str)] or None


def _function_name(reference: Any) -> str | None:
    match reference:
        case {"function": {"name": str(name)}}:
            return name
    return None


def _format(wanted: ResponseFormat | None) -> Any:
    kind = wanted.type.strip().lower() if wanted is not None else ""
    if kind == "json_object":
        return "json"
    if kind == "json_schema" and wanted is not None and wanted.json_schema is not None:
        return wanted.json_schema.schema
    return None
