"""OpenAI's chat: its request, its answer and the chunks of a stream (reference: Ollama API, 14.2).

A field that is None is not given. Fields stand in the order in which they are written.
"""

from typing import Any

import msgspec

from .chat_types import Tool
from .field_types import ModelName, ToolChoice
from .openai_types import AnswerObject, SamplingFields, StreamOptions, Usage


class CalledFunction(msgspec.Struct, kw_only=True):
    """Which function with which arguments, which are a JSON text here."""

    name: str = ""
    arguments: str = ""


class ChatCompletionCall(msgspec.Struct, kw_only=True):
    """One call, in an answer or in the messages of a request."""

    id: str = ""
    index: int = 0
    type: str = "function"
    function: CalledFunction


class ChatCompletionMessage(msgspec.Struct, kw_only=True):
    """One message of a request. ``content`` is a text, a list of parts, or nothing beside calls."""

    role: str = ""
    content: Any = None
    reasoning: str = ""
    tool_calls: list[ChatCompletionCall] | None = None
    tool_call_id: str = ""
    name: str = ""


class AnswerSchema(msgspec.Struct, kw_only=True):
    """The schema of a ``response_format``; its name is of no use here."""

    schema: dict[str, Any] | None = None


class ResponseFormat(msgspec.Struct, kw_only=True):
    """``text``, ``json_object``, or ``json_schema`` with a schema."""

    type: str = ""
    json_schema: AnswerSchema | None = None


class Reasoning(msgspec.Struct, kw_only=True):
    """How much the model shall think."""

    effort: str = ""


class ChatCompletionRequest(SamplingFields, kw_only=True):
    """POST /v1/chat/completions (14.2). ``max_completion_tokens`` goes before ``max_tokens``."""

    model: ModelName = ""
    messages: list[ChatCompletionMessage] | None = None
    stream: bool = False
    stream_options: StreamOptions | None = None
    max_completion_tokens: int | None = None
    response_format: ResponseFormat | None = None
    tools: list[Tool] | None = None
    tool_choice: ToolChoice = None
    reasoning: Reasoning | None = None
    reasoning_effort: str = ""
    logprobs: bool = False
    top_logprobs: int = 0


class TokenLogprob(msgspec.Struct, kw_only=True):
    """How likely a token was, without or with the alternatives to it."""

    token: str
    logprob: float
    bytes: list[int]


class ChosenLogprob(TokenLogprob, kw_only=True):
    """A token of the answer."""

    top_logprobs: list[TokenLogprob]


class ChatLogprobs(msgspec.Struct, kw_only=True):
    """How likely the tokens of a choice were."""

    content: list[ChosenLogprob]


class ChatCompletionAnswer(msgspec.Struct, kw_only=True, omit_defaults=True):
    """The message of a whole answer; ``content`` is a text even beside calls."""

    role: str
    content: str
    reasoning: str = ""
    tool_calls: list[ChatCompletionCall] = []


class ChatCompletionDelta(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What a chunk adds to the message. ``content`` is written even if it is empty."""

    role: str = ""
    content: str | msgspec.UnsetType = msgspec.UNSET
    reasoning: str = ""
    tool_calls: list[ChatCompletionCall] = []


class ChatCompletionChoice(msgspec.Struct, kw_only=True):
    """The one answer there is. ``logprobs`` only where they were asked for."""

    index: int = 0
    message: ChatCompletionAnswer
    finish_reason: str
    logprobs: ChatLogprobs | msgspec.UnsetType = msgspec.UNSET


class ChatCompletionChunkChoice(msgspec.Struct, kw_only=True):
    """A piece of the one answer; the last one says why it ended."""

    index: int = 0
    delta: ChatCompletionDelta
    finish_reason: str | None = None
    logprobs: ChatLogprobs | msgspec.UnsetType = msgspec.UNSET


class ChatCompletionResponse(AnswerObject, kw_only=True):
    """A whole answer."""

    object: str = "chat.completion"
    choices: list[ChatCompletionChoice]
    usage: Usage


class ChatCompletionChunk(AnswerObject, kw_only=True):
    """One event of a stream; only the last one has ``usage``, and only where that was asked for."""

    object: str = "chat.completion.chunk"
    choices: list[ChatCompletionChunkChoice]
    usage: Usage | msgspec.UnsetType = msgspec.UNSET
