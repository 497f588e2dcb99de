"""The parts: what each measures, and on which models."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from ollama_nb.settings import Settings

from .beside import beside_rows
from .constrained import constrained_rows
from .converting import converting_rows
from .costs import cost_rows, interrupt_rows
from .creating import creating_rows
from .embeddings import embedding_rows
from .first_token import first_token_rows
from .http_cost import http_rows
from .load import load_rows
from .loop import loop_rows
from .models import FASTEST, LARGEST, Measured
from .peer_servers import batching_server, plain_server
from .peers import peer_rows
from .programs import find_program
from .pulling import pull_rows
from .rendering import rendering_rows
from .speed import speed_rows
from .startup import startup_rows
from .storing import store_rows
from .streams import stream_rows
from .table import Row
from .token_way import way_rows
from .uploading import upload_rows

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
        lambda bench, model: way_rows(model, bench.settings, rounds=bench.rounds),
        (FASTEST,),
    ),
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
_EMBEDDINGS, _STARTUP, _STORE, _UPLOAD = "embeddings", "startup", "store", "upload"
_PULL, _CONVERT, _CREATE, _RENDERING = "pull", "convert", "create", "rendering"
_ALONE = (_EMBEDDINGS, _STARTUP, _STORE, _UPLOAD, _PULL, _CONVERT, _CREATE, _RENDERING)
"""Parts with a model of their own, or none."""

NAMES = (*dict.fromkeys(part.name for part in _PARTS), *_ALONE)


def tasks(bench: Bench, wanted: Sequence[str]) -> Iterator[Task]:
    """What to measure, one after the other: nothing runs side by side."""
    for part in _PARTS:
        for model in bench.models:
            if part.name in wanted and (not part.models or model.name in part.models):
                yield f"{part.name} of {model.name}", partial(part.measure, bench, model)
    alone = _alone(bench)
    yield from ((name, alone[name]) for name in _ALONE if name in wanted)


def _alone(bench: Bench) -> dict[str, Callable[[], list[Row]]]:
    """What each of the parts without models of the bench does."""
    embeddings = partial(embedding_rows, threads=bench.threads, rounds=bench.rounds)
    return {
        _EMBEDDINGS: lambda: embeddings(find_program("llama-server")),
        _STARTUP: partial(startup_rows, rounds=bench.rounds),
        _STORE: partial(store_rows, bench.settings, rounds=bench.rounds),
        _UPLOAD: partial(upload_rows, bench.settings, rounds=bench.rounds),
        _PULL: partial(pull_rows, rounds=bench.rounds),
        _CONVERT: partial(converting_rows, rounds=bench.rounds),
        _CREATE: partial(creating_rows, bench.settings, rounds=bench.rounds),
        _RENDERING: partial(rendering_rows, rounds=bench.rounds),
    }
