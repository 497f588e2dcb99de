"""A stream of chunks becomes the one object that ``stream:false`` answers."""

from collections.abc import Iterable

import msgspec

from .chat_types import ChatResponse
from .types import GenerateResponse


def fold_generate(chunks: Iterable[GenerateResponse]) -> GenerateResponse:
    """The last chunk with the whole text, the whole thinking and all log probabilities (6.7)."""
    received = list(chunks)
    return msgspec.structs.replace(
        received[-1],
        response="".join(chunk.response for chunk in received),
        thinking="".join(chunk.thinking for chunk in received),
        logprobs=[one for chunk in received for one in chunk.logprobs],
    )


def fold_chat(chunks: Iterable[ChatResponse]) -> ChatResponse:
    """The last chunk with the whole content, thinking, all calls and log probabilities (7.2)."""
    received = list(chunks)
    messages = [chunk.message for chunk in received]
    return msgspec.structs.replace(
        received[-1],
        message=msgspec.structs.replace(
            messages[-1],
            content="".join(one.content for one in messages),
            thinking="".join(one.thinking for one in messages),
            tool_calls=[call for one in messages for call in one.tool_calls],
        ),
        logprobs=[one for chunk in received for one in chunk.logprobs],
    )
