"""Sharing the rows of a step among sequences."""

from hypothesis import given
from hypothesis import strategies as st

from ollama_nb.engine.batching import Pending, PromptPace, num_prompt_rows, plan_step

NO_LIMIT = 10_000

pending = st.lists(st.integers(0, 40) | st.just(1), max_size=20).map(
    lambda counts: [Pending(slot, count) for slot, count in enumerate(counts)]
)


@given(pending, st.integers(0, 60), st.integers(1, 60))
def test_the_capacity_and_what_each_waits_for_are_never_exceeded(pending, capacity, pace):
    shares = plan_step(pending, capacity, pace)
    counts = {one.slot: one.rows for one in pending}
    assert sum(share.rows for share in shares) <= capacity
    assert all(1 <= share.rows <= counts[share.slot] for share in shares)
    assert len({share.slot for share in shares}) == len(shares)


@given(pending, st.integers(20, 60), st.integers(1, 60))
def test_every_generating_sequence_gets_its_row(pending, capacity, pace):
    served = {share.slot for share in plan_step(pending, capacity, pace)}
    assert {one.slot for one in pending if one.rows == 1} <= served


@given(pending, st.integers(0, 60))
def test_no_row_is_wasted_while_anything_waits(pending, capacity):
    used = sum(share.rows for share in plan_step(pending, capacity, NO_LIMIT))
    assert used == min(capacity, sum(one.rows for one in pending))


@given(pending, st.integers(0, 60), st.integers(1, 60))
def test_prompts_are_served_in_the_order_of_their_arrival(pending, capacity, pace):
    rows = {share.slot: share.rows for share in plan_step(pending, capacity, pace)}
    prompts = [one for one in pending if one.rows > 1]
    unfinished = [rows.get(one.slot, 0) for one in prompts if rows.get(one.slot, 0) < one.rows]
    assert not any(unfinished[1:])


def steps(*pending):
    return [Pending(*one) for one in pending]


def test_generating_sequences_come_before_a_prompt_that_arrived_earlier():
    waiting = steps((0, 100), (1, 1), (2, 1))
    assert plan_step(waiting, 10, NO_LIMIT) == [(1, 1), (2, 1), (0, 8)]


def test_a_prompt_is_paced_while_something_generates_and_only_then():
    assert plan_step(steps((0, 500), (1, 1)), 512, 64) == [(1, 1), (0, 64)]
    assert plan_step(steps((0, 500)), 512, 64) == [(0, 500)]


def test_the_last_token_of_a_prompt_does_not_starve():
    waiting = steps((0, 500), (1, 500), (2, 1))
    assert plan_step(waiting, 512, NO_LIMIT) == [(2, 1), (0, 500), (1, 11)]
    assert plan_step([], 512, 64) == []


def test_who_must_be_alone_takes_turns_with_all_the_rest():
    waiting = steps((0, 1, True), (1, 1), (2, 1))
    turns = [plan_step(waiting, 512, 64, turn) for turn in range(3)]
    assert turns == [[(0, 1)], [(1, 1), (2, 1)], [(0, 1)]]


def test_the_pace_follows_what_was_measured_and_never_falls_below_64():
    pace = PromptPace(target_ns=100_000)
    assert pace.rows == 64
    pace.note(512, 51_200)  # 100 ns a row: a thousand would fit
    assert pace.rows == 960
    for _ in range(100):
        pace.note(64, 64_000_000)
    assert pace.rows == 64


def test_prompt_rows_are_those_of_more_than_one():
    assert num_prompt_rows(plan_step(steps((0, 100), (1, 1)), 512, 64)) == 64
