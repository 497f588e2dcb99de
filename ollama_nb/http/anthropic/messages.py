"""Messages made of blocks become messages of chat.

The blocks of one message are joined, but for tool results: each of them is a message of its own,
and they come before what else their message says.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ollama_nb.errors import BadRequest
from ollama_nb.wire import ChatMessage, FunctionCall, ToolCall
from ollama_nb.wire.anthropic_types import (
    BlockParam,
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
    kinds = _by_type(blocks)
    results = [_result(block) for block in kinds["tool_result"]]
    yield from results
    calls = [_call(block, index) for index, block in enumerate(kinds["tool_use"])]
    thoughts = [read_object(block, ThinkingBlockParam).thinking for block in kinds["thinking"]]
    text, images = _content(kinds)
    said = ChatMessage(
        role=role, content=text, thinking="".join(thoughts), images=images, tool_calls=calls
    )
    if said.content or said.thinking or said.images or calls or not results:
        yield said


def _by_type(blocks: _Blocks) -> Mapping[str, _Blocks]:
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for block in blocks:
        found[read_object(block, BlockParam).type].append(block)
    return found


def _content(kinds: Mapping[str, _Blocks]) -> tuple[str, list[str]]:
    """Texts of all blocks joined, and the images."""
    texts = [read_object(block, TextBlockParam).text for block in kinds["text"]]
    return "".join(texts), [_image(block) for block in kinds["image"]]


def _result(block: dict[str, Any]) -> ChatMessage:
    result = read_object(block, ToolResultBlockParam)
    given = result.content
    text, images = (given, []) if isinstance(given, str) else _content(_by_type(given))
    return ChatMessage(role="tool", content=text, images=images, tool_call_id=result.tool_use_id)


def _call(block: dict[str, Any], index: int) -> ToolCall:
    use = read_object(block, ToolUseBlockParam)
    for field in ("id", "name"):
        if not getattr(use, field):
            raise BadRequest(f"tool_use block missing required '{field}' field")
    function = FunctionCall(index=index, name=use.name, arguments=use.input or {})
    return ToolCall(id=use.id, function=function)


def _image(block: dict[str, Any]) -> str:
    source = read_object(block, ImageBlockParam).source
    if source.type != "base64":
        text = f"invalid image source type: {source.type}. Only base64 images are supported."
        raise BadRequest(text)
    return source.data
