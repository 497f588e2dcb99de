"""How a prompt that is too long is cut (8.5), and what a gap to fill keeps around itself."""

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ollama_nb.errors import ContextTooLong
from ollama_nb.service.generation_prompt import _fit, _fit_around, _infill
from ollama_nb.wire import GenerateRequest

LONG = list(range(1000))


def test_a_prompt_that_leaves_room_for_one_token_is_left_alone():
    assert _fit(LONG[:99], 100, 4, GenerateRequest()) == LONG[:99]


def test_a_longer_one_keeps_its_head_and_the_newest_half():
    fitted = _fit(LONG, 100, 4, GenerateRequest())
    assert fitted[:4] == LONG[:4]
    assert fitted[4:] == LONG[-48:]
    assert len(fitted) == 100 - (100 - 4) // 2


@pytest.mark.parametrize("flag", ["truncate", "shift"])
def test_cutting_can_be_forbidden(flag):
    with pytest.raises(ContextTooLong):
        _fit(LONG, 100, 4, GenerateRequest(**{flag: False}))
    with pytest.raises(ContextTooLong):
        _fit_around(LONG, LONG, 100, GenerateRequest(**{flag: False}))


@given(length=st.integers(0, 400), window=st.integers(4, 300), keep=st.integers(0, 2**31 - 1))
def test_whatever_the_numbers_the_prompt_fits_and_ends_as_it_ended(length, window, keep):
    tokens = list(range(length))
    fitted = _fit(tokens, window, keep, GenerateRequest())
    assert len(fitted) <= window - 1
    assert fitted[-1:] == tokens[-1:]
    assert fitted == sorted(set(fitted))


@given(before=st.integers(0, 300), after=st.integers(0, 300), limit=st.integers(0, 300))
def test_the_gap_keeps_what_stands_next_to_it(before, after, limit):
    left, right = list(range(before)), list(range(1000, 1000 + after))
    kept_left, kept_right = _fit_around(left, right, limit, GenerateRequest())
    assert len(kept_left) + len(kept_right) == min(limit, before + after)
    assert kept_left == left[len(left) - len(kept_left) :]
    assert kept_right == right[: len(kept_right)]


@pytest.mark.parametrize("start", [[], [1]])
def test_a_gap_begins_as_the_vocabulary_wants_and_fits(start):
    def tokenize(pieces, *, start):
        return [*([1] if start and adds_bos else []), *(9 for piece in pieces for _ in piece)]

    adds_bos = bool(start)
    vocabulary = SimpleNamespace(infill=(2, 3, 4), controls=())
    runner = SimpleNamespace(vocabulary=vocabulary, tokenize=tokenize)
    short = GenerateRequest(prompt="ab", suffix="c")
    assert _infill(short, None, runner, 100) == [*start, 2, 9, 9, 3, 9, 4]
    long = GenerateRequest(prompt="a" * 500, suffix="c" * 500)
    assert len(_infill(long, None, runner, 100)) == 99
