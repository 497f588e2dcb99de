"""An answer of generate in OpenAI's form, whole and as a stream (reference: Ollama API, 14.3)."""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from ollama_nb.errors import OllamaError
from ollama_nb.wire import GenerateResponse, Logprob
from ollama_nb.wire.openai_types import (
    CompletionChoice,
    CompletionLogprobs,
    CompletionResponse,
    Usage,
)

from .events import DONE, event, failure
from .identity import finish_reason, usage_of


def completion(answer: GenerateResponse, named: dict[str, Any]) -> CompletionResponse:
    """Shape the whole answer; ``named`` is its identity."""
    choice = CompletionChoice(
        text=answer.response,
        finish_reason=finish_reason(answer),
        logprobs=_logprobs(answer.logprobs, 0),
    )
    return CompletionResponse(**named, choices=[choice], usage=usage_of(answer))


class CompletionTeller:
    """Tells the chunks of one answer, the usage in one of its own after them."""

    def __init__(self, named: dict[str, Any], *, include_usage: bool) -> None:
        """Take the identity that all chunks share, and whether usage is told."""
        self._named = named
        self._include_usage = include_usage
        self._usage = Usage() if include_usage else msgspec.UNSET
        self._offset = 0

    def tell(self, chunk: GenerateResponse) -> Iterator[bytes]:
        """Write the event of a piece; after the last one the end."""
        choice = CompletionChoice(
            text=chunk.response,
            finish_reason=finish_reason(chunk) if chunk.done else None,
            logprobs=_logprobs(chunk.logprobs, self._offset),
        )
        self._offset += len(chunk.response)
        yield event(CompletionResponse(**self._named, choices=[choice], usage=self._usage))
        if chunk.done:
            if self._include_usage:
                usage = usage_of(chunk)
                yield event(CompletionResponse(**self._named, choices=[], usage=usage))
            yield DONE

    def fail(self, error: OllamaError) -> Iterator[bytes]:
        """Write the error, after which nothing comes."""
        yield failure(error)


def _logprobs(logprobs: Sequence[Logprob], offset: int) -> CompletionLogprobs | msgspec.UnsetType:
    """Log probabilities of a piece that begins at ``offset``; unset where there are none."""
    if not logprobs:
        return msgspec.UNSET
    offsets = []
    for one in logprobs:
        offsets.append(offset)
        offset += len(one.token)
    return CompletionLogprobs(
        tokens=[one.token for one in logprobs],
        token_logprobs=[one.logprob for one in logprobs],
        top_logprobs=[
            {other.token: other.logprob for other in one.top_logprobs} for one in logprobs
        ],
        text_offset=offsets,
    )
