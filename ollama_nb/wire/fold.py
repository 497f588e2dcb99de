"""A stream of chunks becomes the one object that ``stream:false`` answers."""

from collections.abc import Iterable

import msgspec

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
