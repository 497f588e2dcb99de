"""What a Responses request asks of chat."""

from typing import Any

from ollama_nb.http.openai.effort import think_of
from ollama_nb.http.openai.sampling import TEMPERATURE
from ollama_nb.http.openai.tool_choice import chosen
from ollama_nb.wire import ChatRequest
from ollama_nb.wire.codec import read_object
from ollama_nb.wire.responses_types import FormatParam, ReasoningParam, ResponsesRequest

from .input import chat_messages
from .tools import called_name, chat_tools


def generation_request(request: ResponsesRequest) -> ChatRequest:
    """Translate. Raises BadRequest for an input that is unusable."""
    offered = chat_tools(request.tools or [])
    tools, tool_choice = chosen(offered, request.tool_choice, _function_name)
    return ChatRequest(
        model=request.model,
        messages=chat_messages(request.instructions, request.input),
        tools=tools,
        tool_choice=tool_choice,
        stream=request.stream,
        format=_format(request),
        options=_options(request),
        think=think_of(read_object(request.reasoning or {}, ReasoningParam).effort),
        truncate=request.truncation != "disabled",
    )


def _function_name(reference: Any) -> str | None:
    match reference:
        case {"type": "function", "name": str(name)}:
            return called_name(reference.get("namespace") or "", name)
    return None


def _format(request: ResponsesRequest) -> Any:
    wanted = read_object(request.text.format, FormatParam)
    match wanted.type:
        case "json_schema":
            return wanted.schema
        case "json_object":
            return "json"
    return None


def _options(request: ResponsesRequest) -> dict[str, Any]:
    return {
        "num_predict": request.max_output_tokens,
        "temperature": TEMPERATURE if request.temperature is None else request.temperature,
        "top_p": request.top_p,
    }
