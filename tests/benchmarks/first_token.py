"""Time to the first token where the beginning is known already, against llama-server, in turns.

A chat's second turn finds its first one cached; requests that begin alike evaluate it once.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from statistics import median
from typing import Protocol

from ollama_nb.settings import Settings

from .at_once import Answer
from .engine import Engine, endless, spec_of
from .llama_server import llama_server
from .models import Measured
from .own_server import OwnServer, own_server
from .prompts import letter_prompts
from .table import Rounds, Row

_NUM_BEGINNING = 2048
_NUM_NEW = 32
_NUM_ANSWER = 24
_NUM_CHATS = 4
_NUM_ALIKE = 8
_WINDOW = 2560
_AIM = "≤ 1.1"


class _Party(Protocol):
    def answers(self, prompts: Sequence[Sequence[int]], num_predict: int) -> list[Answer]:
        """Complete all prompts at once, noting when each answer began."""


_Open = Callable[[], AbstractContextManager[_Party]]
_Figures = dict[str, float]
"""Seconds by what was timed."""
_Scene = Callable[[_Party, int], _Figures]


def first_token_rows(
    program: Path, model: Measured, settings: Settings, *, threads: int, rounds: int
) -> list[Row]:
    """Rows in the process and over HTTP, for a chat and for requests that begin alike."""
    rows = []
    for scene, slots in ((_second_turns, _NUM_CHATS), (_alike, _NUM_ALIKE)):
        numbers = {"threads": threads, "slots": slots}
        other = partial(llama_server, program, model.path, window=_WINDOW, **numbers)
        ours: dict[str, _Open] = {
            "in process": partial(_in_process, model, **numbers),
            "over HTTP": partial(_over_http, model, settings, **numbers),
        }
        for what, figures in _compare(scene, ours, other, rounds).items():
            rows.append(figures.time_row(f"{model.name}: {what}", _AIM))
    return rows


def _compare(scene: _Scene, ours: dict[str, _Open], other: _Open, rounds: int) -> dict[str, Rounds]:
    """The same scene with each, in turns; nothing else is loaded meanwhile."""
    compared: dict[str, Rounds] = {}
    for round_ in range(rounds):
        others = _timed(scene, other, round_)
        for way, open_it in ours.items():
            for what, seconds in _timed(scene, open_it, round_).items():
                figures = compared.setdefault(f"{what}, {way}", Rounds())
                figures.note(seconds, others[what])
    return compared


def _timed(scene: _Scene, open_it: _Open, round_: int) -> _Figures:
    """The scene, after a first request that loads what has to be loaded."""
    with open_it() as party:
        party.answers(letter_prompts(1, 8, seed=99), 2)
        return scene(party, round_)


@contextmanager
def _in_process(model: Measured, *, threads: int, slots: int) -> Iterator[Engine]:
    engine = Engine(spec_of(model.path, threads=threads, num_parallel=slots, num_ctx=_WINDOW))
    try:
        with endless():
            yield engine
    finally:
        engine.close()


def _over_http(
    model: Measured, settings: Settings, *, threads: int, slots: int
) -> AbstractContextManager[OwnServer]:
    numbers = {"OLLAMA_NUM_PARALLEL": str(slots), "OLLAMA_CONTEXT_LENGTH": str(_WINDOW)}
    return own_server(settings, model.name, threads=threads, environment=numbers)


def _second_turns(party: _Party, round_: int) -> _Figures:
    """One chat after the other: a long turn, then the same with its answer and a little more."""
    seconds = []
    beginnings = letter_prompts(_NUM_CHATS, _NUM_BEGINNING, seed=round_)
    for beginning, new in zip(
        beginnings, letter_prompts(_NUM_CHATS, _NUM_NEW, seed=1000 + round_), strict=True
    ):
        [first] = party.answers([beginning], _NUM_ANSWER)
        [second] = party.answers([[*beginning, *first.tokens, *new]], _NUM_ANSWER)
        seconds.append(second.first)
    return {f"first token of a second turn ({_NUM_BEGINNING} + {_NUM_NEW})": median(seconds)}


def _alike(party: _Party, round_: int) -> _Figures:
    """All at once: one long beginning, and for each an end of its own."""
    [beginning] = letter_prompts(1, _NUM_BEGINNING, seed=round_)
    ends = letter_prompts(_NUM_ALIKE, _NUM_NEW, seed=1000 + round_)
    answers = party.answers([[*beginning, *end] for end in ends], _NUM_ANSWER)
    seconds = sorted(one.first for one in answers)
    title = f"{_NUM_ALIKE} requests, {_NUM_BEGINNING} tokens alike"
    return {
        f"{title}: first token, median of the 2nd to last": median(seconds[1:]),
        f"{title}: all have their first token": seconds[-1],
    }
