"""The messages of a chat as templates see them (reference: Ollama API, 7.1)."""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from ollama_nb.prompt.chat_data import Message
from ollama_nb.prompt.images import mark_images, without_marks
from ollama_nb.store import Model, StoredMessage
from ollama_nb.wire import ChatMessage, ToolCall

# Of these models, what they thought before an earlier answer is left out.
_FORGETFUL_FAMILIES = ("qwen3", "qwen3moe")
_FORGETFUL_MODEL = "deepseek-r1"
_THOUGHT = re.compile(r"\A\s*<think>.*?</think>\s*", re.DOTALL)


def turns(messages: Sequence[ChatMessage], model: Model) -> Iterator[Message]:
    """What the model remembers, then the chat; its images are counted from 0."""
    yield from opening("" if _has_system(messages) else model.system, model.messages)
    roles = [one.role.lower() for one in messages]
    forgotten = _last_question(roles) if _forgets_thoughts(model) else 0
    tool_names: dict[str, str] = {}
    num_images = 0
    for at, (role, one) in enumerate(zip(roles, messages, strict=True)):
        calls = one.tool_calls or ()
        tool_names |= {call.id: call.function.name for call in calls if call.id}
        is_forgotten = at < forgotten and role == "assistant"
        content = _THOUGHT.sub("", one.content) if is_forgotten else one.content
        count = len(one.images or ())
        yield Message(
            role=role,
            content=mark_images(content, count, first=num_images),
            thinking=without_marks(one.thinking),
            num_images=count,
            tool_calls=[_as_map(call) for call in calls],
            tool_name=one.tool_name or tool_names.get(one.tool_call_id, ""),
            tool_call_id=one.tool_call_id,
        )
        num_images += count


def opening(system: str, stored: Iterable[StoredMessage]) -> Iterator[Message]:
    """How a model's chats begin: the system message, if there is one, and stored ones."""
    if system:
        yield Message("system", without_marks(system))
    for one in stored:
        yield Message(one.role, without_marks(one.content))


def _has_system(messages: Sequence[ChatMessage]) -> bool:
    return messages[0].role.lower() == "system"


def _last_question(roles: Sequence[str]) -> int:
    return max((at for at, role in enumerate(roles) if role == "user"), default=0)


def _forgets_thoughts(model: Model) -> bool:
    is_of_family = model.config.model_family in _FORGETFUL_FAMILIES
    return is_of_family or model.name.model == _FORGETFUL_MODEL


def _as_map(call: ToolCall) -> dict[str, Any]:
    made: dict[str, Any] = msgspec.to_builtins(call)
    return made
