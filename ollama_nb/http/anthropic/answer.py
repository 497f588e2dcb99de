"""What chat answers, as a message of blocks."""

import secrets
from collections.abc import Iterator

from ollama_nb.wire import AnswerMessage, ChatResponse
from ollama_nb.wire.anthropic_types import (
    Block,
    MessagesResponse,
    MessagesUsage,
    StopDelta,
    TextBlock,
    ThinkingBlock,
    ToolUseBlock,
)

_STOP_SEQUENCE = "stop_sequence"
_REASONS = {"": None, "stop": "end_turn", "length": "max_tokens"}


def message_id() -> str:
    """A new one."""
    return f"msg_{secrets.token_hex(12)}"


def whole_message(answer: ChatResponse, stop_sequence: str | None) -> MessagesResponse:
    """Translate a whole answer, and the one of the request's stop sequences that has ended it."""
    stop = stop_delta(answer, stop_sequence, called=bool(answer.message.tool_calls))
    return MessagesResponse(
        id=message_id(),
        model=answer.model,
        content=list(_blocks(answer.message)),
        stop_reason=stop.stop_reason,
        stop_sequence=stop.stop_sequence,
        usage=usage(answer),
    )


def stop_delta(last: ChatResponse, stop_sequence: str | None, *, called: bool) -> StopDelta:
    """Why it ended, in Anthropic's words; whether tools were called comes before all else.

    A stop sequence is told as Anthropic tells it; Ollama does not know it from an end of turn.
    """
    if called:
        return StopDelta("tool_use")
    if stop_sequence:
        return StopDelta(_STOP_SEQUENCE, stop_sequence)
    return StopDelta(_REASONS.get(last.done_reason, _STOP_SEQUENCE))


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
