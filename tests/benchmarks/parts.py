"""The parts: what each measures, and on which models."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from ollama_nb.settings import Settings

from .beside import beside_rows
from .constrained import constrained_rows
from .costs import cost_rows, interrupt_rows
from .embeddings import embedding_rows
from .first_token import first_token_rows
from .http_cost import http_rows
from .load import load_rows
from .loop import loop_rows
from .models import FASTEST, LARGEST, Measured
from .peer_servers import batching_server, plain_server
from .peers import peer_rows
from .programs import find_program
from .speed import speed_rows
from .startup import startup_rows
from .streams import stream_rows
from .table import Row

Task = tuple[str, Callable[[], list[Row]]]


@dataclass(frozen=True)
class Bench:
    """What was asked for."""

    models: Sequence[Measured]
    settings: Settings
    threads: int
    rounds: int


class _Part(NamedTuple):
    """``models`` are names; none: all of them."""

    name: str
    measure: Callable[[Bench, Measured], list[Row]]
    models: tuple[str, ...] = ()


_PARTS = (
    _Part(
        "speed",
        lambda bench, model: speed_rows(
            find_program("llama-bench"), model, bench.settings,
            threads=bench.threads, rounds=bench.rounds,
        ),
    ),
    _Part(
        "streams",
        lambda bench, model: stream_rows(
            find_program("llama-server"), model, bench.settings,
            threads=bench.threads, rounds=bench.rounds,
        ),
        (FASTEST,),
    ),
    _Part(
        "first_token",
        lambda bench, model: first_token_rows(
            find_program("llama-server"), model, bench.settings,
            threads=bench.threads, rounds=bench.rounds,
        ),
        (FASTEST,),
    ),
    _Part(
        "peers",
        lambda bench, model: peer_rows(
            "llama_cpp.server", plain_server, model, bench.settings,
            threads=bench.threads, rounds=bench.rounds,
        ),
        (FASTEST,),
    ),
    _Part(
        "peers",
        lambda bench, model: peer_rows(
            "examples/server", batching_server, model, bench.settings,
            threads=bench.threads, rounds=bench.rounds,
        ),
        (FASTEST,),
    ),
    _Part(
        "constrained",
        lambda bench, model: constrained_rows(model, rounds=bench.rounds),
        (LARGEST,),
    ),
    _Part("cost", lambda bench, model: cost_rows(model, bench.settings, rounds=bench.rounds)),
    _Part(
        "http",
        lambda bench, model: http_rows(model, bench.settings, rounds=bench.rounds),
        (FASTEST,),
    ),
    _Part(
        "loop",
        lambda bench, model: loop_rows(model, bench.settings, rounds=bench.rounds),
        (FASTEST,),
    ),
    _Part("interrupt", lambda bench, model: interrupt_rows(model, rounds=bench.rounds)),
    _Part(
        "beside", lambda bench, model: beside_rows(model, rounds=bench.rounds), (FASTEST, LARGEST)
    ),
    _Part("load", lambda bench, model: load_rows(model, rounds=bench.rounds)),
)  # fmt: skip
_EMBEDDINGS, _STARTUP = "embeddings", "startup"
"""Parts with a model of their own, or none."""

NAMES = (*dict.fromkeys(part.name for part in _PARTS), _EMBEDDINGS, _STARTUP)


def tasks(bench: Bench, wanted: Sequence[str]) -> Iterator[Task]:
    """What to measure, one after the other: nothing runs side by side."""
    for part in _PARTS:
        for model in bench.models:
            if part.name in wanted and (not part.models or model.name in part.models):
                yield f"{part.name} of {model.name}", partial(part.measure, bench, model)
    if _EMBEDDINGS in wanted:
        embeddings = partial(embedding_rows, threads=bench.threads, rounds=bench.rounds)
        yield _EMBEDDINGS, lambda: embeddings(find_program("llama-server"))
    if _STARTUP in wanted:
        yield _STARTUP, partial(startup_rows, rounds=bench.rounds)
