"""One request's life in the engine: what it asks, where it stands, what it tells.

Requests and events are messages: plain values that can cross a process border.
Integers and options only; no native objects, no text templates.
"""

from typing import ClassVar, Literal

import msgspec

from ollama_nb.wire.options import Options

DoneReason = Literal["stop", "length", "cancelled"]


class TokenLogprob(msgspec.Struct, frozen=True):
    """A generated token's bytes, the logarithm of its probability, and the likeliest instead."""

    data: bytes
    logprob: float
    top: tuple[tuple[bytes, float], ...]


class FreePart(msgspec.Struct, frozen=True):
    """Text before a structured answer that obeys nothing, such as thinking; none if it has no end.

    It ends with ``end``. If it has a ``begin``, the model may leave it out; otherwise the prompt
    has begun it already.
    """

    begin: str = ""
    end: str = ""


class Picture(msgspec.Struct, frozen=True, tag=True):
    """An image: three bytes a pixel, red, green, blue, row by row from the top left."""

    width: int
    height: int
    pixels: bytes


class SequenceRequest(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Generate from these prompt tokens under these options.

    ``num_predict`` is already resolved: the most tokens to generate, at least 0. With ``shift``
    the window slides when it is full, otherwise the sequence ends there with "length".
    """

    tokens: tuple[int, ...]
    """Negative numbers stand for images, as ``tokenize`` returned them."""
    options: Options
    num_predict: int
    num_keep: int
    window: int = 0
    """The most tokens of prompt and answer at a time; 0: as many as the model was loaded for."""
    images: tuple[Picture, ...] = ()
    """In the order in which they stand in the prompt."""
    shift: bool = True
    top_logprobs: int | None = None
    """How many alternatives to report with each token's probability; None: report nothing."""
    schema: str | None = None
    """The JSON schema that the answer obeys, as JSON: its numbers may be of any size."""
    free: FreePart = FreePart()
    """What comes before the JSON."""
    shows_controls: bool = False
    """Whether control tokens of the answer are text, as who reads the answer may need."""
    owner: str = ""
    """Who asks: owners take turns, and where the cache is isolated each sees only their own."""


class EmbedRequest(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Turn each of these texts, none without tokens, into a vector.

    With ``normalize``, vectors have length 1, and ``dimensions`` numbers if it is between 1 and
    the model's own number of them.
    """

    texts: tuple[tuple[int, ...], ...]
    normalize: bool = True
    dimensions: int = 0
    owner: str = ""


Request = SequenceRequest | EmbedRequest


class Piece(msgspec.Struct, frozen=True, tag=True):
    """Some text of the answer: whole characters, never part of a stop string."""

    text: str
    logprobs: tuple[TokenLogprob, ...] = ()
    """Of the tokens in it, if asked for."""

    done: ClassVar[bool] = False


class Finish(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The end of a sequence. Counts are tokens, durations nanoseconds."""

    text: str
    """What was held back until now."""
    done_reason: DoneReason
    tokens: tuple[int, ...]
    """The generated token ids, the one that ended the answer included."""
    prompt_count: int
    reused_count: int
    """How many of the prompt's tokens were cached already."""
    prompt_ns: int
    eval_count: int
    eval_ns: int
    sample_count: int
    sample_ns: int
    logprobs: tuple[TokenLogprob, ...] = ()
    stopped_by: str = ""
    """The stop string that has ended the answer, if one has."""

    done: ClassVar[bool] = True


class Vectors(msgspec.Struct, frozen=True, tag=True):
    """The answer to an EmbedRequest: ``width`` float32, little-endian, for each text in order."""

    data: bytes
    width: int
    num_tokens: int
    """Of all texts together."""

    done: ClassVar[bool] = True


Event = Piece | Finish | Vectors
