"""What a Messages request asks of chat."""

from collections.abc import Sequence
from typing import Any

from ollama_nb.errors import BadRequest
from ollama_nb.wire import ChatRequest, Tool, ToolFunction
from ollama_nb.wire.anthropic_types import (
    CountTokensRequest,
    MessagesRequest,
    TextBlockParam,
    ToolChoiceParam,
    ToolParam,
)

from .messages import chat_messages

_HOSTED = "web_search"
"""What the type of a tool begins with that Anthropic runs on its side."""

_THINK = {"enabled": True, "disabled": False}
_EFFORTS = {"low": "low", "medium": "medium", "high": "high", "xhigh": "high", "max": "max"}
_CHOICES = {"auto": None, "any": "required", "none": "none"}


def generation_request(request: MessagesRequest) -> ChatRequest:
    """Translate. Raises BadRequest for what is missing, in this order, and for unusable blocks."""
    _check_model(request)
    if request.max_tokens <= 0:
        raise BadRequest("max_tokens is required and must be positive")
    chat = _chat_request(request)
    chat.stream = request.stream
    chat.options = _options(request)
    return chat


def counting_request(request: CountTokensRequest) -> ChatRequest:
    """Ask for the prompt alone, all of it, to know its length. Raises BadRequest."""
    _check_model(request)
    chat = _chat_request(request)
    chat.stream = False
    chat.truncate = False
    chat.debug_render_only = True
    return chat


def _check_model(request: CountTokensRequest) -> None:
    if not request.model:
        raise BadRequest("model is required")


def _chat_request(request: CountTokensRequest) -> ChatRequest:
    if not request.messages:
        raise BadRequest("messages is required")
    tools = _tools(request.tools or [])
    return ChatRequest(
        model=request.model,
        messages=chat_messages(_system(request.system), request.messages),
        tools=tools,
        tool_choice=_tool_choice(request.tool_choice) if tools else None,
        format=_format(request),
        think=_think(request),
    )


def _system(system: str | Sequence[TextBlockParam]) -> str:
    return system if isinstance(system, str) else "".join(block.text for block in system)


def _tools(tools: Sequence[ToolParam]) -> list[Tool]:
    return [
        Tool(
            function=ToolFunction(
                name=tool.name, description=tool.description, parameters=tool.input_schema
            )
        )
        for tool in tools
        if not tool.type.startswith(_HOSTED)
    ]


def _tool_choice(choice: ToolChoiceParam) -> Any:
    """OpenAI's words for it, which chat uses; Ollama heeds no choice, so none is a mistake."""
    if choice.type == "tool":
        return {"type": "function", "function": {"name": choice.name}}
    return _CHOICES.get(choice.type)


def _format(request: CountTokensRequest) -> dict[str, Any] | None:
    wanted = request.output_config.format
    return wanted.schema if wanted.type == "json_schema" else None


def _think(request: CountTokensRequest) -> bool | str | None:
    """None leaves it to the model."""
    asked = _THINK.get(request.thinking.type)
    return _EFFORTS.get(request.output_config.effort) if asked is None else asked


def _options(request: MessagesRequest) -> dict[str, Any]:
    """What is None stays as the model has it."""
    return {
        "num_predict": request.max_tokens,
        "temperature": request.temperature,
        "top_p": request.top_p,
        "top_k": request.top_k,
        "stop": request.stop_sequences,
    }
