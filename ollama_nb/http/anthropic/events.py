"""What chat answers, as the events of a message stream."""

from collections.abc import Callable, Iterator

import msgspec

from ollama_nb.errors import OllamaError
from ollama_nb.http.dialects import anthropic_error
from ollama_nb.http.sse import named_event
from ollama_nb.wire import ChatRequest, ChatResponse, ToolCall
from ollama_nb.wire.anthropic_types import (
    Block,
    ContentBlockDelta,
    ContentBlockStart,
    ContentBlockStop,
    Delta,
    InputJsonDelta,
    MessageDelta,
    MessagesResponse,
    MessageStart,
    MessageStop,
    MessagesUsage,
    TextBlock,
    TextDelta,
    ThinkingBlock,
    ThinkingDelta,
    ToolUseBlock,
)
from ollama_nb.wire.codec import encode_value

from .answer import message_id, stop_delta, usage

_CHARACTERS_A_TOKEN = 4


def estimated_tokens(request: ChatRequest) -> int:
    """A guess at the prompt's length for the first event, which comes before it is known."""
    said = "".join(f"{one.role}{one.content}" for one in request.messages or [])
    tools = encode_value(request.tools) if request.tools else ""
    return max(1, (len(said) + len(tools)) // _CHARACTERS_A_TOKEN)


class MessagesTeller:
    """Tells an answer block by block: one is open at a time, and none is opened again."""

    def __init__(self, estimate: int, stop_sequence: Callable[[], str | None]) -> None:
        """Take how many tokens the prompt may have, and what tells at the end what stopped it."""
        self._estimate = estimate
        self._stop_sequence = stop_sequence
        self._begun = False
        self._called = False
        self._index = -1
        self._open: type[Block] | None = None

    def tell(self, chunk: ChatResponse) -> Iterator[bytes]:
        """Write what is new."""
        yield from map(named_event, self._events(chunk))

    def fail(self, error: OllamaError) -> Iterator[bytes]:
        """Write the last event of an answer that does not come to its end."""
        failure = msgspec.json.encode(anthropic_error(error.status, str(error)))
        yield b"event: error\ndata: %s\n\n" % failure

    def _events(self, chunk: ChatResponse) -> Iterator[msgspec.Struct]:
        if not self._begun:
            self._begun = True
            yield self._start(chunk.model)
        message = chunk.message
        if message.thinking:
            yield from self._go_on(ThinkingBlock(thinking=""), ThinkingDelta(message.thinking))
        if message.content:
            yield from self._go_on(TextBlock(text=""), TextDelta(message.content))
        for call in message.tool_calls:
            yield from self._call(call)
        if chunk.done:
            yield from self._stop()
            reason = stop_delta(chunk, self._stop_sequence(), called=self._called)
            yield MessageDelta(reason, usage(chunk))
            yield MessageStop()

    def _start(self, model: str) -> MessageStart:
        spent = MessagesUsage(input_tokens=self._estimate, output_tokens=0)
        message = MessagesResponse(
            id=message_id(), model=model, content=[], stop_reason=None, usage=spent
        )
        return MessageStart(message)

    def _call(self, call: ToolCall) -> Iterator[msgspec.Struct]:
        self._called = True
        yield from self._stop()
        arguments = InputJsonDelta(encode_value(call.function.arguments))
        yield from self._go_on(
            ToolUseBlock(id=call.id, name=call.function.name, input={}), arguments
        )
        yield from self._stop()

    def _go_on(self, block: Block, delta: Delta) -> Iterator[msgspec.Struct]:
        """Add to the open block if it is of this kind, else to a new one."""
        if self._open is not type(block):
            yield from self._stop()
            self._open = type(block)
            self._index += 1
            yield ContentBlockStart(self._index, block)
        yield ContentBlockDelta(self._index, delta)

    def _stop(self) -> Iterator[msgspec.Struct]:
        if self._open is not None:
            self._open = None
            yield ContentBlockStop(self._index)
