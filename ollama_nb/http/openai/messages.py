"""A conversation in OpenAI's form becomes one in Ollama's (reference: Ollama API, 14.2)."""

from collections.abc import Sequence
from typing import Any

import msgspec

from ollama_nb.errors import BadRequest
from ollama_nb.wire import ChatMessage, FunctionCall, ToolCall
from ollama_nb.wire.openai_chat_types import ChatCompletionCall, ChatCompletionMessage

from .arguments import call_arguments
from .go_types import go_type
from .images import inline_image
from .roles import chat_role


def chat_messages(messages: Sequence[ChatCompletionMessage]) -> list[ChatMessage]:
    """Translate all of them; a message of several parts becomes several. Raises BadRequest."""
    return [made for one in messages for made in _translated(one)]


def _translated(message: ChatCompletionMessage) -> list[ChatMessage]:
    common = ChatMessage(role=chat_role(message.role))
    if message.role.lower() == "tool":
        common.tool_call_id = message.tool_call_id
        common.tool_name = message.name
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
                index=index,
                name=call.function.name,
                arguments=call_arguments(call.function.arguments),
            ),
        )
        for index, call in enumerate(calls)
    ]
