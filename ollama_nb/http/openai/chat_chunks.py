"""A stream of chat in OpenAI's form (reference: Ollama API, 14.2)."""

from collections.abc import Iterator
from typing import Any

from ollama_nb.errors import OllamaError
from ollama_nb.wire import ChatResponse
from ollama_nb.wire.openai_chat_types import (
    ChatCompletionChunk,
    ChatCompletionChunkChoice,
    ChatCompletionDelta,
)

from .chat_answer import chat_finish_reason, openai_calls, openai_logprobs
from .events import DONE, event, failure
from .identity import usage_of


class ChatTeller:
    """Tells the chunks of one answer: the role once, the reason to end and the usage at the end."""

    def __init__(self, named: dict[str, Any], *, include_usage: bool) -> None:
        """Take the identity that all chunks share, and whether a last one tells the usage."""
        self._named = named
        self._include_usage = include_usage
        self._begun = False
        self._called = False

    def tell(self, chunk: ChatResponse) -> Iterator[bytes]:
        """Write the events of a piece; those of the last one are the end."""
        deltas = _deltas(chunk)
        if not (deltas or self._begun):
            deltas = [ChatCompletionDelta(content="")]  # an empty answer has a role, too
        self._called |= bool(chunk.message.tool_calls)
        for number, delta in enumerate(deltas, 1):
            logprobs = openai_logprobs(chunk.logprobs if number == len(deltas) else ())
            delta.role = "" if self._begun else chunk.message.role
            self._begun = True
            yield self._event([ChatCompletionChunkChoice(delta=delta, logprobs=logprobs)])
        if chunk.done:
            yield from self._end(chunk)

    def fail(self, error: OllamaError) -> Iterator[bytes]:
        """Write the error, after which nothing comes."""
        yield failure(error)

    def _end(self, last: ChatResponse) -> Iterator[bytes]:
        reason = chat_finish_reason(last, called=self._called)
        yield self._event(
            [ChatCompletionChunkChoice(delta=ChatCompletionDelta(), finish_reason=reason)]
        )
        if self._include_usage:
            yield event(ChatCompletionChunk(**self._named, choices=[], usage=usage_of(last)))
        yield DONE

    def _event(self, choices: list[ChatCompletionChunkChoice]) -> bytes:
        return event(ChatCompletionChunk(**self._named, choices=choices))


def _deltas(chunk: ChatResponse) -> list[ChatCompletionDelta]:
    """What a piece adds: reasoning before the rest, each in a chunk of its own; perhaps nothing."""
    message = chunk.message
    rest = ChatCompletionDelta(content=message.content, tool_calls=openai_calls(message.tool_calls))
    if not message.thinking:
        tells = message.content or message.tool_calls or chunk.logprobs or not chunk.done
        return [rest] if tells else []
    if not (message.content or message.tool_calls):
        return [ChatCompletionDelta(content="", reasoning=message.thinking)]
    return [ChatCompletionDelta(reasoning=message.thinking), rest]
