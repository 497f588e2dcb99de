"""One request's life in the engine: what it asks, where it stands, what it tells.

``SequenceRequest`` and the events are messages: plain values that can cross a process border.
Integers and options only; no native objects, no text templates.
"""

from typing import ClassVar, Literal

import msgspec

from ollama_nb.wire.options import Options

DoneReason = Literal["stop", "length", "cancelled"]


class SequenceRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Generate from these prompt tokens under these options.

    ``num_predict`` is already resolved: the most tokens to generate, at least 0. With ``shift``
    the window slides when it is full, otherwise the sequence ends there with "length".
    """

    tokens: tuple[int, ...]
    options: Options
    num_predict: int
    num_keep: int
    shift: bool = True


class Piece(msgspec.Struct, frozen=True, tag=True):
    """Some text of the answer: whole characters, never part of a stop string."""

    text: str

    done: ClassVar[bool] = False


class Finish(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The end of a sequence. Counts are tokens, durations nanoseconds."""

    text: str
    """What was held back until now."""
    done_reason: DoneReason
    tokens: tuple[int, ...]
    """The generated token ids, the one that ended the answer included."""
    prompt_count: int
    prompt_ns: int
    eval_count: int
    eval_ns: int
    sample_count: int
    sample_ns: int

    done: ClassVar[bool] = True


Event = Piece | Finish
