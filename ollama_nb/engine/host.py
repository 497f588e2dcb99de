"""Where a loaded model lives: the seam between the scheduler and the process that runs it.

What crosses it are messages (LoadSpec, SequenceRequest, Event) and no shared objects, so that a
host can be another process: local.py is this one, worker.py a child for each model.
"""

import os
from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec

from ollama_nb.errors import EngineError

from .sequence import Event, Picture, Request
from .spec import LoadSpec

Emit = Callable[[Event | Exception], None]
"""Takes the events of one request, on a thread of the host; must return at once."""


def check_not_forked(pid: int) -> None:
    """Raise EngineError in any process but the one that loaded the model."""
    if os.getpid() != pid:
        raise EngineError("the engine does not survive a fork; start a new process")


class Vocabulary(msgspec.Struct, frozen=True, kw_only=True):
    """What prompts need to know about a loaded model's tokens."""

    bos: str
    """Text of the token that begins a text; empty where there is none."""
    eos: str
    adds_bos: bool
    controls: tuple[str, ...]
    """Texts of the control tokens."""
    infill: tuple[int, int, int] | None
    """Ids of the prefix, suffix and middle tokens of fill-in-the-middle."""
    around: tuple[tuple[int, ...], tuple[int, ...]]
    """Ids that belong before and after a text that stands for itself, as one to embed does."""


class LoadedModel(Protocol):
    """One model on its host. Every method may be called from any thread."""

    vocabulary: Vocabulary

    @property
    def alive(self) -> bool:
        """Whether it still takes sequences."""

    def tokenize(self, parts: Sequence[str | Picture], *, start: bool) -> list[int]:
        """Token ids of ``parts`` one after another; ``start`` where they begin a text.

        Control tokens written inside a part count as such, those that a border cuts do not. An
        image becomes negative numbers, the same for the same image. Raises BadRequest for one that
        the model cannot take.
        """

    def detokenize(self, tokens: list[int]) -> str:
        """Text of ``tokens``, control tokens included. Raises BadRequest for unknown ids."""

    def submit(self, request: Request, emit: Emit) -> int:
        """Queue a request and return its number; ``emit`` gets its events, or an error at last."""

    def cancel(self, number: int) -> None:
        """End a request soon, with a Finish or Cancelled; unknown numbers are ignored."""

    def close(self) -> None:
        """End every sequence, free the memory, return when that is done."""


class Host(Protocol):
    """Somewhere models can be loaded."""

    def load(self, spec: LoadSpec) -> LoadedModel:
        """Load and wait until it is ready. Raises LoadFailed or EngineError."""
