"""Requests and answers of OpenAI's Responses API (reference: Ollama API, 14.6).

A ``…Param`` is what a request gives. The items of an input and their parts stay plain objects, as
only their type tells what they hold; and what an answer repeats stays as it was sent.
"""

from typing import Any

import msgspec

from .field_types import ModelName


class ItemParam(msgspec.Struct, frozen=True, kw_only=True):
    """What tells an item from others: its type, and a role where that is left out."""

    type: str = ""
    role: str = ""


class MessageParam(msgspec.Struct, frozen=True, kw_only=True):
    """``message``: a text, or parts."""

    role: str = ""
    content: str | list[dict[str, Any]] = ""


class FunctionCallParam(msgspec.Struct, frozen=True, kw_only=True):
    """``function_call``: one of an earlier turn; ``arguments`` is a JSON object as text."""

    call_id: str = ""
    name: str = ""
    namespace: str = ""
    arguments: str = ""


class FunctionCallOutputParam(msgspec.Struct, frozen=True, kw_only=True):
    """``function_call_output``: what a call has brought, a text or parts."""

    call_id: str = ""
    output: str | list[dict[str, Any]] = ""


class SummaryTextParam(msgspec.Struct, frozen=True, kw_only=True):
    """A paragraph of a summary."""

    text: str = ""


class ReasoningItemParam(msgspec.Struct, frozen=True, kw_only=True):
    """``reasoning``: what the model thought in an earlier turn."""

    summary: list[SummaryTextParam] | None = None
    encrypted_content: str = ""


class PartParam(msgspec.Struct, frozen=True, kw_only=True):
    """What tells a part of a message from others."""

    type: str = ""


class TextPartParam(msgspec.Struct, frozen=True, kw_only=True):
    """``input_text`` and ``output_text``."""

    text: str = ""


class ImagePartParam(msgspec.Struct, frozen=True, kw_only=True):
    """``input_image``."""

    image_url: str = ""


class FunctionToolParam(msgspec.Struct, frozen=True, kw_only=True):
    """``function``; or ``namespace``, whose ``tools`` are called by both names."""

    type: str = ""
    name: str = ""
    description: str = ""
    parameters: dict[str, Any] | None = None
    tools: list["FunctionToolParam"] | None = None


class FormatParam(msgspec.Struct, frozen=True, kw_only=True):
    """``text``, ``json_object``, or ``json_schema`` and its schema."""

    type: str = ""
    schema: dict[str, Any] | None = None


class ReasoningParam(msgspec.Struct, frozen=True, kw_only=True):
    """How much to think."""

    effort: str = ""


class TextConfig(msgspec.Struct, frozen=True, kw_only=True):
    """What the answer shall look like, as it was sent."""

    format: dict[str, Any] = msgspec.field(default_factory=lambda: {"type": "text"})


class ResponsesRequest(msgspec.Struct, kw_only=True):
    """POST /v1/responses. ``input`` is a text or a list of items."""

    model: ModelName = ""
    input: Any = ""
    instructions: str = ""
    max_output_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    reasoning: dict[str, Any] | None = None
    text: TextConfig = TextConfig()
    tools: list[dict[str, Any]] | None = None
    tool_choice: Any = None
    truncation: str = ""
    background: bool = False
    stream: bool = False


class SummaryText(msgspec.Struct, tag_field="type", tag="summary_text", kw_only=True):
    """What was thought; we send all of it."""

    text: str


class ReasoningItem(
    msgspec.Struct, tag_field="type", tag="reasoning", kw_only=True, omit_defaults=True
):
    """Thinking of an answer. Clients send ``encrypted_content`` back; ours is plain."""

    id: str
    summary: list[SummaryText]
    encrypted_content: str = ""


class OutputText(msgspec.Struct, tag_field="type", tag="output_text", kw_only=True):
    """The one part of a message."""

    text: str
    annotations: list[Any] = []
    logprobs: list[Any] = []


class MessageItem(msgspec.Struct, tag_field="type", tag="message", kw_only=True):
    """Text of an answer. ``status`` is ``in_progress`` or ``completed``."""

    id: str
    status: str
    role: str = "assistant"
    content: list[OutputText]


class FunctionCallItem(
    msgspec.Struct, tag_field="type", tag="function_call", kw_only=True, omit_defaults=True
):
    """A call; ``arguments`` is JSON."""

    id: str
    status: str
    call_id: str
    name: str
    namespace: str = ""
    arguments: str


Item = ReasoningItem | MessageItem | FunctionCallItem


class InputTokensDetails(msgspec.Struct, frozen=True, kw_only=True):
    """Which of the prompt's tokens cost less, or more; newer SDKs want the second."""

    cached_tokens: int = 0
    cache_write_tokens: int = 0


class OutputTokensDetails(msgspec.Struct, frozen=True, kw_only=True):
    """Which of the answer's tokens were thinking; they are not counted apart."""

    reasoning_tokens: int = 0


class ResponseUsage(msgspec.Struct, kw_only=True):
    """Tokens of the prompt and of the answer."""

    input_tokens: int
    output_tokens: int
    total_tokens: int
    input_tokens_details: InputTokensDetails = InputTokensDetails()
    output_tokens_details: OutputTokensDetails = OutputTokensDetails()


class ResponseError(msgspec.Struct, kw_only=True):
    """Why an answer did not come to its end."""

    code: str = "server_error"
    message: str


class IncompleteDetails(msgspec.Struct, kw_only=True):
    """Why an answer is not whole."""

    reason: str


class ResponseObject(msgspec.Struct, kw_only=True):
    """The whole answer, or what is known of it while it is ``in_progress``; every field written."""

    id: str
    object: str = "response"
    created_at: int
    completed_at: int | None = None
    status: str = "in_progress"
    incomplete_details: IncompleteDetails | None = None
    model: str
    previous_response_id: None = None
    instructions: str | None = None
    output: list[Item] = []
    error: ResponseError | None = None
    tools: list[dict[str, Any]] = []
    tool_choice: Any = "auto"
    truncation: str = "disabled"
    parallel_tool_calls: bool = True
    text: TextConfig = TextConfig()
    top_p: float | None = None
    presence_penalty: float = 0
    frequency_penalty: float = 0
    top_logprobs: int = 0
    temperature: float
    reasoning: dict[str, Any] | None = None
    usage: ResponseUsage | None = None
    max_output_tokens: int | None = None
    max_tool_calls: None = None
    store: bool = False
    background: bool = False
    service_tier: str = "default"
    metadata: dict[str, str] = {}
    safety_identifier: None = None
    prompt_cache_key: None = None
