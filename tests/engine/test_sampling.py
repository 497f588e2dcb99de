"""From options to sampler chains (Ollama API, 5; rule S19)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ollama_nb.engine.sampling import chain_steps, draw_seed, is_greedy, penalty_window
from ollama_nb.wire import Options

EVERYTHING = {
    "seed": 7, "temperature": 0.7, "top_k": 5, "top_p": 0.5, "min_p": 0.1, "typical_p": 0.9,
    "repeat_last_n": 32, "repeat_penalty": 1.3, "presence_penalty": 0.5, "frequency_penalty": 0.25,
}  # fmt: skip


def steps(num_ctx=100, **options):
    return chain_steps(Options.merge(options), num_ctx)


def step_names(**options):
    return [name for name, _ in steps(**options)]


def test_all_at_once_in_ollamas_order_with_their_numbers():
    assert steps(**EVERYTHING) == [
        ("penalties", (32, 1.3, 0.25, 0.5)),
        ("top_k", (5,)),
        ("typical", (0.9, 1)),
        ("top_p", (0.5, 1)),
        ("min_p", (0.1, 1)),
        ("temp", (0.7,)),
        ("dist", (7,)),
    ]


def test_the_defaults_are_top_k_top_p_and_temperature():
    assert steps(seed=1) == [
        ("top_k", (40,)),
        ("top_p", (0.9, 1)),
        ("temp", (0.8,)),
        ("dist", (1,)),
    ]


def test_filters_that_do_nothing_are_left_out():
    off = {"top_k": 0, "top_p": 1, "min_p": 0, "typical_p": 1}
    assert step_names(**off) == step_names(**off | {"top_k": -1}) == ["temp", "dist"]


@pytest.mark.parametrize("temperature", [0, -1])
def test_no_temperature_is_greedy(temperature):
    assert is_greedy(Options.merge({"temperature": temperature}))
    assert step_names(temperature=temperature) == ["greedy"]
    assert step_names(temperature=temperature, mirostat=2) == ["greedy"]


def test_greedy_with_a_penalty_needs_the_chain():
    options = {"temperature": 0, "repeat_penalty": 1.1}
    assert not is_greedy(Options.merge(options))
    assert step_names(**options) == ["penalties", "greedy"]


@pytest.mark.parametrize("penalty", ["repeat_penalty", "presence_penalty", "frequency_penalty"])
def test_one_penalty_is_enough_and_a_window_of_zero_is_none(penalty):
    assert "penalties" in step_names(**{penalty: 1.5})
    assert "penalties" not in step_names(**{penalty: 1.5}, repeat_last_n=0)


@pytest.mark.parametrize(("last_n", "window"), [(-1, 100), (64, 64), (0, 0), (1000, 100)])
def test_minus_one_penalises_the_whole_window(last_n, window):
    options = Options.merge({"repeat_last_n": last_n, "repeat_penalty": 1.5})
    assert penalty_window(options, 100) == window


def test_a_repeat_penalty_below_zero_does_not_reach_the_sampler():
    name, numbers = steps(repeat_penalty=-2.0, presence_penalty=1.0)[0]
    assert (name, numbers) == ("penalties", (64, 1.0, 0.0, 1.0))


def test_mirostat_replaces_the_filters():
    one = steps(**EVERYTHING, mirostat=1, mirostat_tau=4.0, mirostat_eta=0.2)
    assert [name for name, _ in one] == ["penalties", "temp", "mirostat"]
    assert one[-1][1] == (7, 4.0, 0.2, 100)
    two = steps(**EVERYTHING, mirostat=2, mirostat_tau=4.0, mirostat_eta=0.2)
    assert two[1:] == [("temp", (0.7,)), ("mirostat_v2", (7, 4.0, 0.2))]


def test_seeds_are_kept_and_negative_ones_drawn():
    assert draw_seed(Options.merge({"seed": 5})) == 5
    assert draw_seed(Options.merge({"seed": 0})) == 0
    for seed in (-1, -7):
        drawn = {draw_seed(Options.merge({"seed": seed})) for _ in range(8)}
        assert len(drawn) > 1
        assert all(0 <= one < 2**32 for one in drawn)


@given(
    st.dictionaries(
        st.sampled_from([*EVERYTHING, "mirostat", "mirostat_tau", "mirostat_eta"]),
        st.floats(allow_nan=False, allow_infinity=False) | st.integers(),
    ),
    st.integers(4, 2**20),
)
def test_any_options_give_a_chain_that_ends_with_the_one_draw(options, num_ctx):
    chain = steps(num_ctx, **options)
    draws = [name in ("dist", "greedy", "mirostat", "mirostat_v2") for name, _ in chain]
    assert draws == [False] * (len(chain) - 1) + [True]
    for name, numbers in chain:
        if name == "penalties":
            assert 0 < numbers[0] <= num_ctx
