"""Events of OpenAI's Responses API, in the order of a stream (reference: Ollama API, 14.6)."""

from typing import Any

import msgspec

from .responses_types import Item, OutputText, ResponseObject


class ResponseEvent(msgspec.Struct, tag_field="type", kw_only=True):
    """What all of them have; they are numbered when they are sent."""

    sequence_number: int = 0


class ResponseCreated(ResponseEvent, tag="response.created", kw_only=True):
    """The first one."""

    response: ResponseObject


class ResponseInProgress(ResponseEvent, tag="response.in_progress", kw_only=True):
    """The second one."""

    response: ResponseObject


class OutputItemAdded(ResponseEvent, tag="response.output_item.added", kw_only=True):
    """An item begins, empty."""

    output_index: int
    item: Item


class ItemEvent(ResponseEvent, kw_only=True):
    """What tells of an item that has begun."""

    item_id: str
    output_index: int


class ReasoningSummaryTextDelta(
    ItemEvent, tag="response.reasoning_summary_text.delta", kw_only=True
):
    """More of what is thought."""

    summary_index: int = 0
    delta: str


class ReasoningSummaryTextDone(ItemEvent, tag="response.reasoning_summary_text.done", kw_only=True):
    """All of what was thought."""

    summary_index: int = 0
    text: str


class ContentPartAdded(ItemEvent, tag="response.content_part.added", kw_only=True):
    """The part of a message begins."""

    content_index: int = 0
    part: OutputText


class OutputTextDelta(ItemEvent, tag="response.output_text.delta", kw_only=True):
    """More text."""

    content_index: int = 0
    delta: str
    logprobs: list[Any] = []


class OutputTextDone(ItemEvent, tag="response.output_text.done", kw_only=True):
    """All of the text."""

    content_index: int = 0
    text: str
    logprobs: list[Any] = []


class ContentPartDone(ItemEvent, tag="response.content_part.done", kw_only=True):
    """The part is complete."""

    content_index: int = 0
    part: OutputText


class FunctionCallArgumentsDelta(
    ItemEvent, tag="response.function_call_arguments.delta", kw_only=True
):
    """More of a call's arguments."""

    delta: str


class FunctionCallArgumentsDone(
    ItemEvent, tag="response.function_call_arguments.done", kw_only=True
):
    """All of a call's arguments."""

    arguments: str


class OutputItemDone(ResponseEvent, tag="response.output_item.done", kw_only=True):
    """An item is complete."""

    output_index: int
    item: Item


class ResponseCompleted(ResponseEvent, tag="response.completed", kw_only=True):
    """The last one, also of an answer that was cut off: its ``response`` says so."""

    response: ResponseObject


class ResponseFailed(ResponseEvent, tag="response.failed", kw_only=True):
    """The last one of an answer that did not come to its end."""

    response: ResponseObject


EVENTS = (
    ResponseCreated,
    ResponseInProgress,
    OutputItemAdded,
    ReasoningSummaryTextDelta,
    ReasoningSummaryTextDone,
    ContentPartAdded,
    OutputTextDelta,
    OutputTextDone,
    ContentPartDone,
    FunctionCallArgumentsDelta,
    FunctionCallArgumentsDone,
    OutputItemDone,
    ResponseCompleted,
    ResponseFailed,
)
