"""Messages made of blocks become messages of chat.

The blocks of one message are joined, but for tool results: each of them is a message of its own,
and they come before what else their message says.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from ollama_nb.errors import BadRequest
from ollama_nb.wire import ChatMessage, FunctionCall, ToolCall
from ollama_nb.wire.anthropic_types import (
    ImageBlockParam,
    MessageParam,
    TextBlockParam,
    ThinkingBlockParam,
    ToolResultBlockParam,
    ToolUseBlockParam,
)
from ollama_nb.wire.codec import read_object

_Blocks = Sequence[dict[str, Any]]


def chat_messages(system: str, messages: Iterable[MessageParam]) -> list[ChatMessage]:
    """Translate, after the system's own text. Raises BadRequest for a block that is unusable."""
    translated = [ChatMessage(role="system", content=system)] if system else []
    for message in messages:
        if isinstance(message.content, str):
            translated.append(ChatMessage(role=message.role, content=message.content))
        else:
            translated += _of_blocks(message.role, message.content)
    return translated


def _of_blocks(role: str, blocks: _Blocks) -> Iterator[ChatMessage]:
    results = [_result(block) for block in blocks if block.get("type") == "tool_result"]
    yield from results
    uses = [block for block in blocks if block.get("type") == "tool_use"]
    calls = [_call(block, index) for index, block in enumerate(uses)]
    said = ChatMessage(
        role=role,
        content=_text(blocks),
        thinking="".join(
            read_object(block, ThinkingBlockParam).thinking
            for block in blocks
            if block.get("type") == "thinking"
        ),
        images=_images(blocks),
        tool_calls=calls,
    )
    if said.content or said.thinking or said.images or calls or not results:
        yield said


def _result(block: dict[str, Any]) -> ChatMessage:
    result = read_object(block, ToolResultBlockParam)
    blocks: _Blocks = [] if isinstance(result.content, str) else result.content
    return ChatMessage(
        role="tool",
        content=result.content if isinstance(result.content, str) else _text(blocks),
        images=_images(blocks),
        tool_call_id=result.tool_use_id,
    )


def _call(block: dict[str, Any], index: int) -> ToolCall:
    use = read_object(block, ToolUseBlockParam)
    for field in ("id", "name"):
        if not getattr(use, field):
            raise BadRequest(f"tool_use block missing required '{field}' field")
    function = FunctionCall(index=index, name=use.name, arguments=use.input or {})
    return ToolCall(id=use.id, function=function)


def _text(blocks: _Blocks) -> str:
    return "".join(
        read_object(block, TextBlockParam).text for block in blocks if block.get("type") == "text"
    )


def _images(blocks: _Blocks) -> list[str]:
    return [_image(block) for block in blocks if block.get("type") == "image"]


def _image(block: dict[str, Any]) -> str:
    source = read_object(block, ImageBlockParam).source
    if source.type != "base64":
        text = f"invalid image source type: {source.type}. Only base64 images are supported."
        raise BadRequest(text)
    return source.data
