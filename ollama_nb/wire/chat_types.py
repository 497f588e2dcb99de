"""Requests and responses of chat: messages, tools and their calls (reference: Ollama API, 7, 8.2).

As in ``types.py``, fields stand in the order in which they are written, and ``omit_defaults`` is
Go's omitempty.
"""

from typing import Any

import msgspec

from .field_types import Format, Image, KeepAlive, ModelName, OptionMap, Think, Time, ToolChoice
from .types import Logprob


class FunctionCall(msgspec.Struct, kw_only=True):
    """Which function with which arguments; ``index`` counts the calls of one answer."""

    index: int = 0
    name: str
    arguments: dict[str, Any] = {}


class ToolCall(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One call, in an answer or in the messages of a request."""

    id: str = ""
    function: FunctionCall


class ToolFunction(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What can be called. ``parameters`` is a JSON schema, judged by the service."""

    name: str
    description: str = ""
    parameters: dict[str, Any] | None = None


class Tool(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One tool on offer."""

    type: str = "function"
    items: Any = None
    function: ToolFunction


class ChatMessage(msgspec.Struct, kw_only=True):
    """One message of a request (7.1). ``images`` are base64."""

    role: str = ""
    content: str = ""
    thinking: str = ""
    images: list[Image] | None = None
    tool_calls: list[ToolCall] | None = None
    tool_name: str = ""
    tool_call_id: str = ""


class ChatRequest(msgspec.Struct, kw_only=True):
    """POST /api/chat (7.1). ``keep_alive``, ``think`` and ``format`` as in generate.

    ``tool_choice`` is ours, with the values of OpenAI's field of that name: "none" takes the tools
    away; "required", or an object that names a function, makes the answer a call whose arguments
    obey the tool's schema.
    """

    model: ModelName = ""
    messages: list[ChatMessage] | None = None
    tools: list[Tool] | None = None
    tool_choice: ToolChoice = None
    stream: bool = True
    format: Format = None
    keep_alive: KeepAlive = None
    options: OptionMap | None = None
    think: Think = None
    truncate: bool = True
    shift: bool = True
    logprobs: bool = False
    top_logprobs: int = 0
    debug_render_only: bool = msgspec.field(default=False, name="_debug_render_only")


class AnswerMessage(msgspec.Struct, kw_only=True, omit_defaults=True):
    """The message of an answer, or a piece of it."""

    role: str
    content: str
    thinking: str = ""
    tool_calls: list[ToolCall] = []


class ChatResponse(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One streamed object of chat, or the whole answer (7.2). Durations are nanoseconds."""

    model: str
    created_at: Time
    message: AnswerMessage
    done: bool
    done_reason: str = ""
    debug_info: dict[str, Any] | None = msgspec.field(default=None, name="_debug_info")
    logprobs: list[Logprob] = []
    total_duration: int = 0
    load_duration: int = 0
    prompt_eval_count: int = 0
    prompt_eval_duration: int = 0
    eval_count: int = 0
    eval_duration: int = 0
