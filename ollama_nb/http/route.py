"""One row of the route table."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import msgspec

from ollama_nb.errors import OllamaError
from ollama_nb.service import Service

from .messages import Request, Response
from .sinks import Sink

Action = Literal["", "read", "write", "execute"]


@dataclass(frozen=True, slots=True)
class Route:
    """One row: which requests it takes, what answers them, and what a caller must be allowed."""

    methods: tuple[str, ...]
    path: str
    answer: Callable[[Service, Request], Response | Sink]
    action: Action = ""
    """What the caller does, in jupyter-server's words; empty where anybody may ask."""
    resource: str = ""
    """To what, for an authorizer; the fronts put ``ollama:`` before it."""
    in_pieces: bool = False
    """Whether the body goes to a Sink: of any length, and of any Content-Type."""
    packing: str = ""
    """The Content-Encoding that it takes bodies in, beside none."""

    takes: type[msgspec.Struct] | None = None
    """What its JSON body is read as. This and the rest only describe: see ``openapi.py``."""
    gives: type | None = None
    """What it answers with, whole: an object or a text; None: nothing but a status."""
    streams: tuple[type[msgspec.Struct], ...] = ()
    """What it answers with piece by piece, where it is asked to."""
    statuses: tuple[int, ...] = (200,)
    """Of success."""
    raises: tuple[type[OllamaError], ...] = ()
    """What it fails with, beside what any route of its kind does."""

    @property
    def public(self) -> bool:
        """Whether it answers without authentication."""
        return not self.action
