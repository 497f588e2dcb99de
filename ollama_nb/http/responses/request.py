"""What a Responses request asks of chat."""

from typing import Any

from ollama_nb.http.openai.effort import think_of
from ollama_nb.http.openai.sampling import TEMPERATURE
from ollama_nb.wire import ChatRequest
from ollama_nb.wire.codec import read_object
from ollama_nb.wire.responses_types import FormatParam, ReasoningParam, ResponsesRequest

from .input import chat_messages
from .tools import called_name, chat_tools


def generation_request(request: ResponsesRequest) -> ChatRequest:
    """Translate. Raises BadRequest for an input that is unusable."""
    tools = chat_tools(request.tools or [])
    return ChatRequest(
        model=request.model,
        messages=chat_messages(request.instructions, request.input),
        tools=tools,
        tool_choice=_tool_choice(request.tool_choice) if tools else None,
        stream=request.stream,
        format=_format(request),
        options=_options(request),
        think=think_of(read_object(request.reasoning or {}, ReasoningParam).effort),
        truncate=request.truncation != "disabled",
    )


def _tool_choice(choice: Any) -> Any:
    """Chat has the form of OpenAI's older API; Ollama heeds no choice, so none is a mistake."""
    match choice:
        case {"type": "function", "name": str(name)}:
            name = called_name(choice.get("namespace") or "", name)
            return {"type": "function", "function": {"name": name}}
        case "none" | "auto" | "required":
            return choice
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
