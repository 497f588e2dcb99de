"""One cache for all sequences of a model: what several hold stands in it once."""

from contextlib import closing

import pytest
from held_engine import hold_after
from msgspec.structs import replace

from ollama_nb.engine.local import LocalHost
from ollama_nb.errors import BadRequest

WINDOW = 256
SHARED = list(range(5, 205))
"""More tokens than half of what follows the kept ones: some move when a window slides."""


@pytest.fixture
def unified(make_endless_spec):
    """Load a model with one cache."""
    spec = make_endless_spec(num_parallel=4, num_ctx=WINDOW)
    with closing(LocalHost().load(replace(spec, unified=True))) as runner:
        yield runner


def test_a_window_slides_without_moving_what_another_sequence_holds(unified, submit, monkeypatch):
    other = [*SHARED, 250]
    gate = hold_after(monkeypatch, 10)  # before the window slides
    sliding = submit(SHARED, on=unified, num_predict=2 * WINDOW)
    sliding.next()
    sequence = submit(other, on=unified, num_predict=30)
    gate.set()
    beside = sequence.finish()[1]
    assert beside.reused_count == len(SHARED)
    assert sliding.finish()[1].eval_count == 2 * WINDOW
    # llama.cpp refuses to go on from cells that stand elsewhere than they did.
    again = submit(other, on=unified, num_predict=30).finish()[1]
    assert (again.reused_count, again.eval_count) == (len(SHARED), 30)


def test_a_repeatable_answer_is_refused_where_others_cells_lie_between(unified, submit):
    with pytest.raises(BadRequest, match="OLLAMA_NB_UNIFIED_CACHE"):
        submit([5, 6], {"repeatable": True}, on=unified)
