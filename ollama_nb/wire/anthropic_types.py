"""Requests, answers and events of Anthropic's Messages API (reference: Ollama API, 14.7).

Named as Anthropic names them: a ``…Param`` is what a request gives. The blocks of a message stay
plain objects here, since one of an unknown type may hold anything and is passed over.
"""

from typing import Any

import msgspec

from .field_types import ModelName


class BlockParam(msgspec.Struct, frozen=True, kw_only=True):
    """What tells a block from others."""

    type: str = ""


class TextBlockParam(msgspec.Struct, frozen=True, kw_only=True):
    """``text``."""

    text: str = ""


class ThinkingBlockParam(msgspec.Struct, frozen=True, kw_only=True):
    """``thinking``: what the model thought in an earlier turn."""

    thinking: str = ""


class ImageSourceParam(msgspec.Struct, frozen=True, kw_only=True):
    """Where an image is; base64 ``data`` is all that is taken."""

    type: str = ""
    data: str = ""


class ImageBlockParam(msgspec.Struct, frozen=True, kw_only=True):
    """``image``."""

    source: ImageSourceParam = ImageSourceParam()


class ToolUseBlockParam(msgspec.Struct, frozen=True, kw_only=True):
    """``tool_use``: a call of an earlier turn."""

    id: str = ""
    name: str = ""
    input: dict[str, Any] | None = None


class ToolResultBlockParam(msgspec.Struct, frozen=True, kw_only=True):
    """``tool_result``: what a call has brought."""

    tool_use_id: str = ""
    content: str | list[dict[str, Any]] = ""


class MessageParam(msgspec.Struct, frozen=True, kw_only=True):
    """One message: a text or blocks."""

    role: str = ""
    content: str | list[dict[str, Any]] = ""


class ToolParam(msgspec.Struct, frozen=True, kw_only=True):
    """A tool on offer; ``type`` is given where the tool is not the client's own."""

    name: str
    type: str = ""
    description: str = ""
    input_schema: dict[str, Any] | None = None


class ToolChoiceParam(msgspec.Struct, frozen=True, kw_only=True):
    """``auto``, ``any``, ``none``, or ``tool`` and its name."""

    type: str = ""
    name: str = ""


class ThinkingConfigParam(msgspec.Struct, frozen=True, kw_only=True):
    """``enabled``, ``disabled``, or what is left to ``effort``."""

    type: str = ""


class OutputFormatParam(msgspec.Struct, frozen=True, kw_only=True):
    """``json_schema`` and the schema that the answer shall obey."""

    type: str = ""
    schema: dict[str, Any] | None = None


class OutputConfigParam(msgspec.Struct, frozen=True, kw_only=True):
    """How much to think, and what the answer shall look like."""

    effort: str = ""
    format: OutputFormatParam = OutputFormatParam()


class CountTokensRequest(msgspec.Struct, kw_only=True):
    """POST /v1/messages/count_tokens: all that becomes part of the prompt."""

    model: ModelName = ""
    messages: list[MessageParam] | None = None
    system: str | list[TextBlockParam] = ""
    tools: list[ToolParam] | None = None
    tool_choice: ToolChoiceParam = ToolChoiceParam()
    thinking: ThinkingConfigParam = ThinkingConfigParam()
    output_config: OutputConfigParam = OutputConfigParam()


class MessagesRequest(CountTokensRequest, kw_only=True):
    """POST /v1/messages."""

    max_tokens: int = 0
    stream: bool = False
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    stop_sequences: list[str] | None = None


class TokenCount(msgspec.Struct):
    """The answer of count_tokens."""

    input_tokens: int


class TextBlock(msgspec.Struct, tag_field="type", tag="text", kw_only=True):
    """Text of an answer."""

    text: str


class ThinkingBlock(msgspec.Struct, tag_field="type", tag="thinking", kw_only=True):
    """Thinking of an answer. Strict clients want a ``signature``; we have none to give."""

    thinking: str
    signature: str = ""


class ToolUseBlock(msgspec.Struct, tag_field="type", tag="tool_use", kw_only=True):
    """A call."""

    id: str
    name: str
    input: dict[str, Any]


Block = TextBlock | ThinkingBlock | ToolUseBlock


class MessagesUsage(msgspec.Struct, kw_only=True):
    """Tokens of the prompt and of the answer."""

    input_tokens: int
    output_tokens: int


class MessagesResponse(msgspec.Struct, kw_only=True):
    """The whole answer, or what a stream begins with: then nothing has been said yet."""

    id: str
    type: str = "message"
    role: str = "assistant"
    model: str
    content: list[Block]
    stop_reason: str | None
    stop_sequence: str | None = None
    usage: MessagesUsage


class MessageStart(msgspec.Struct, tag_field="type", tag="message_start"):
    """The first event."""

    message: MessagesResponse


class ContentBlockStart(msgspec.Struct, tag_field="type", tag="content_block_start"):
    """A block begins, empty."""

    index: int
    content_block: Block


class TextDelta(msgspec.Struct, tag_field="type", tag="text_delta"):
    """More of a text."""

    text: str


class ThinkingDelta(msgspec.Struct, tag_field="type", tag="thinking_delta"):
    """More of a thought."""

    thinking: str


class InputJsonDelta(msgspec.Struct, tag_field="type", tag="input_json_delta"):
    """More of a call's arguments, as JSON."""

    partial_json: str


Delta = TextDelta | ThinkingDelta | InputJsonDelta


class ContentBlockDelta(msgspec.Struct, tag_field="type", tag="content_block_delta"):
    """A block goes on."""

    index: int
    delta: Delta


class ContentBlockStop(msgspec.Struct, tag_field="type", tag="content_block_stop"):
    """A block is complete."""

    index: int


class StopDelta(msgspec.Struct):
    """Why the answer ends, and at which of the request's stop sequences."""

    stop_reason: str | None
    stop_sequence: str | None = None


class MessageDelta(msgspec.Struct, tag_field="type", tag="message_delta"):
    """All blocks are complete; ``usage`` is final."""

    delta: StopDelta
    usage: MessagesUsage


class MessageStop(msgspec.Struct, tag_field="type", tag="message_stop"):
    """The last event."""


EVENTS = (
    MessageStart,
    ContentBlockStart,
    ContentBlockDelta,
    ContentBlockStop,
    MessageDelta,
    MessageStop,
)
"""What a stream is made of, in its order; a failure beside."""
