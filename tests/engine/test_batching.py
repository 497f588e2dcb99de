"""Sharing the rows of a step among sequences."""

from hypothesis import given
from hypothesis import strategies as st

from ollama_nb.engine.batching import plan_step

pending = st.lists(st.integers(0, 40) | st.just(1), max_size=20).map(
    lambda counts: list(enumerate(counts))
)


@given(pending, st.integers(0, 60))
def test_the_budget_and_what_each_waits_for_are_never_exceeded(pending, budget):
    shares = plan_step(pending, budget)
    counts = dict(pending)
    assert sum(share.rows for share in shares) <= budget
    assert all(1 <= share.rows <= counts[share.slot] for share in shares)
    assert len({share.slot for share in shares}) == len(shares)


@given(pending, st.integers(20, 60))
def test_every_generating_sequence_gets_its_row(pending, budget):
    served = {share.slot for share in plan_step(pending, budget)}
    assert {slot for slot, count in pending if count == 1} <= served


@given(pending, st.integers(0, 60))
def test_no_row_is_wasted_while_anything_waits(pending, budget):
    used = sum(share.rows for share in plan_step(pending, budget))
    assert used == min(budget, sum(count for _, count in pending))


@given(pending, st.integers(0, 60))
def test_prompts_are_served_in_the_order_of_their_arrival(pending, budget):
    rows = {share.slot: share.rows for share in plan_step(pending, budget)}
    prompts = [(slot, count) for slot, count in pending if count > 1]
    unfinished = [rows.get(slot, 0) for slot, count in prompts if rows.get(slot, 0) < count]
    assert not any(unfinished[1:])


def test_generating_sequences_come_before_a_prompt_that_arrived_earlier():
    assert plan_step([(0, 100), (1, 1), (2, 1)], 10) == [(1, 1), (2, 1), (0, 8)]


def test_the_last_token_of_a_prompt_does_not_starve():
    assert plan_step([(0, 500), (1, 500), (2, 1)], 512) == [(2, 1), (0, 500), (1, 11)]
    assert plan_step([], 512) == []
