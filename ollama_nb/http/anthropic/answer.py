"""What chat answers, as a message of blocks."""

import secrets
from collections.abc import Iterator

from ollama_nb.wire import AnswerMessage, ChatResponse
from ollama_nb.wire.anthropic_types import (
    Block,
    MessagesResponse,
    MessagesUsage,
    TextBlock,
    ThinkingBlock,
    ToolUseBlock,
)

_REASONS = {"": None, "stop": "end_turn", "length": "max_tokens"}


def message_id() -> str:
    """A new one."""
    return f"msg_{secrets.token_hex(12)}"


def whole_message(answer: ChatResponse) -> MessagesResponse:
    """Translate a whole answer."""
    return MessagesResponse(
        id=message_id(),
        model=answer.model,
        content=list(_blocks(answer.message)),
        stop_reason=stop_reason(answer.done_reason, called=bool(answer.message.tool_calls)),
        usage=usage(answer),
    )


def stop_reason(done_reason: str, *, called: bool) -> str | None:
    """Why it ended, in Anthropic's words; whether tools were called comes before all else."""
    return "tool_use" if called else _REASONS.get(done_reason, "stop_sequence")


def usage(last: ChatResponse) -> MessagesUsage:
    """The counts that the last chunk has."""
    return MessagesUsage(input_tokens=last.prompt_eval_count, output_tokens=last.eval_count)


def _blocks(message: AnswerMessage) -> Iterator[Block]:
    if message.thinking:
        yield ThinkingBlock(thinking=message.thinking)
    if message.content:
        yield TextBlock(text=message.content)
    for call in message.tool_calls:
        function = call.function
        yield ToolUseBlock(id=call.id, name=function.name, input=function.arguments)
