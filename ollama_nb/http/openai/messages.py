"""A conversation in OpenAI's form becomes one in Ollama's (reference: Ollama API, 14.2)."""

from collections.abc import Sequence
from typing import Any

import msgspec

from ollama_nb.errors import BadRequest
from ollama_nb.wire import ChatMessage, FunctionCall, ToolCall
from ollama_nb.wire.codec import decode_object
from ollama_nb.wire.openai_chat_types import ChatCompletionCall, ChatCompletionMessage

from .go_types import go_type
from .images import inline_image

_ROLES = {"developer": "system"}


def chat_messages(messages: Sequence[ChatCompletionMessage]) -> list[ChatMessage]:
    """Translate all of them; a message of several parts becomes several. Raises BadRequest."""
    called = {call.id: call.function.name for one in messages for call in one.tool_calls or ()}
    return [made for one in messages for made in _translated(one, called)]


def _translated(message: ChatCompletionMessage, called: dict[str, str]) -> list[ChatMessage]:
    role = message.role.lower()
    common = ChatMessage(role=_ROLES.get(role, message.role))
    if role == "tool":
        common.tool_call_id = message.tool_call_id
        common.tool_name = message.name or called.get(message.tool_call_id, "")
    made = [msgspec.structs.replace(common, **part) for part in _parts(message)]
    made[-1].thinking = message.reasoning
    made[-1].tool_calls = _calls(message.tool_calls or ()) or None
    return made


def _parts(message: ChatCompletionMessage) -> list[dict[str, Any]]:
    """The content: what each part of it gives to a message of its own; one part at least."""
    content = message.content
    if isinstance(content, str):
        return [{"content": content}]
    if isinstance(content, list):
        return [_part(one) for one in content] or [{}]
    if content is None and message.tool_calls:
        return [{}]
    raise BadRequest(f"invalid message content type: {go_type(content)}")


def _part(part: Any) -> dict[str, Any]:
    match part:
        case {"type": "text", "text": str(text)}:
            return {"content": text}
        case {"type": "image_url", "image_url": {"url": url}}:
            return {"images": [inline_image(url)]}
        case {"type": "image_url", "image_url": url}:
            return {"images": [inline_image(url)]}
        case {"type": "input_audio"}:
            raise BadRequest("audio input is not currently supported")
    raise BadRequest("invalid message format")


def _calls(calls: Sequence[ChatCompletionCall]) -> list[ToolCall]:
    return [
        ToolCall(
            id=call.id,
            function=FunctionCall(
                index=index, name=call.function.name, arguments=_arguments(call.function.arguments)
            ),
        )
        for index, call in enumerate(calls)
    ]


def _arguments(text: str) -> dict[str, Any]:
    try:
        return decode_object(text)
    except BadRequest:
        raise BadRequest("invalid tool call arguments") from None
