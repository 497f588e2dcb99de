"""How a prompt that is too long is cut (8.5), and what a gap to fill keeps around itself."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ollama_nb.errors import ContextTooLong
from ollama_nb.prompt.chat_data import Message
from ollama_nb.prompt.jinja import TemplateFailed
from ollama_nb.service.gap import fit_around, write_gap
from ollama_nb.service.prompt import PromptWriter

LONG = list(range(1000))


def writer(window, **flags):
    vocabulary = SimpleNamespace(infill=(2, 3, 4), controls=(), adds_bos=False)
    runner = SimpleNamespace(vocabulary=vocabulary)
    return PromptWriter(runner=runner, window=window, renderer=None, **flags)


def fit(tokens, window, keep, **flags):
    return writer(window, **flags)._fit(tokens, keep)


def test_a_prompt_that_leaves_room_for_one_token_is_left_alone():
    assert fit(LONG[:99], 100, 4) == LONG[:99]


def test_a_longer_one_keeps_its_head_and_the_newest_half():
    fitted = fit(LONG, 100, 4)
    assert fitted[:4] == LONG[:4]
    assert fitted[4:] == LONG[-48:]
    assert len(fitted) == 100 - (100 - 4) // 2


@pytest.mark.parametrize("flag", ["truncate", "shift"])
def test_cutting_can_be_forbidden(flag):
    with pytest.raises(ContextTooLong):
        fit(LONG, 100, 4, **{flag: False})
    asked = writer(100, **{flag: False})
    asked.runner.tokenize = lambda pieces, *, start: LONG
    with pytest.raises(ContextTooLong):
        write_gap(asked, None, "before", "after", by_template=False)


@given(length=st.integers(0, 400), window=st.integers(4, 300), keep=st.integers(0, 2**31 - 1))
def test_whatever_the_numbers_the_prompt_fits_and_ends_as_it_ended(length, window, keep):
    tokens = list(range(length))
    fitted = fit(tokens, window, keep)
    assert len(fitted) <= window - 1
    assert fitted[-1:] == tokens[-1:]
    assert fitted == sorted(set(fitted))


@given(before=st.integers(0, 300), after=st.integers(0, 300), limit=st.integers(0, 300))
def test_the_gap_keeps_what_stands_next_to_it(before, after, limit):
    left, right = list(range(before)), list(range(1000, 1000 + after))
    kept_left, kept_right = fit_around(left, right, limit)
    assert len(kept_left) + len(kept_right) == min(limit, before + after)
    assert kept_left == left[len(left) - len(kept_left) :]
    assert kept_right == right[: len(kept_right)]


@pytest.mark.parametrize("start", [[], [1]])
def test_a_gap_begins_as_the_vocabulary_wants_and_fits(start):
    def tokenize(pieces, *, start):
        return [*([1] if start and adds_bos else []), *(9 for piece in pieces for _ in piece)]

    adds_bos = bool(start)
    asked = writer(100)
    asked.runner.tokenize = tokenize
    short = write_gap(asked, None, "ab", "c", by_template=False)
    assert short.tokens == [*start, 2, 9, 9, 3, 9, 4]
    assert len(write_gap(asked, None, "a" * 500, "c" * 500, by_template=False).tokens) == 99


def alternating(messages, tools):
    """As some templates are: a user's message first, and roles in turns."""
    roles = [one.role for one in messages if one.role != "system"]
    if roles != [("user", "assistant")[at % 2] for at in range(len(roles))]:
        raise TemplateFailed("roles must alternate")
    return "".join(one.content for one in messages)


def strict_writer(window):
    asked = writer(window)
    asked.runner.tokenize = lambda pieces, *, start: [9 for piece in pieces for _ in piece]
    asked.runner.detokenize = lambda tokens: ""
    return replace(asked, renderer=SimpleNamespace(chat=alternating))


@given(st.integers(0, 12), st.integers(1, 140))
def test_a_template_that_wants_roles_in_turns_keeps_all_that_fits(pairs, window):
    turns = [("user", "assistant")[at % 2] for at in range(2 * pairs + 1)]
    messages = [Message(role, f"{at:10}") for at, role in enumerate(turns)]
    written = strict_writer(window).chat(messages)
    fitting = [at for at in range(0, len(messages), 2) if 10 * (len(messages) - at) <= window - 1]
    kept = fitting[0] if fitting else len(messages) - 1
    assert written.text == "".join(one.content for one in messages[kept:])


def test_what_no_start_is_right_for_stays_whole():
    messages = [Message("user", "a" * 50), Message("assistant", "b" * 50)]
    assert strict_writer(60).chat(messages).text == "a" * 50 + "b" * 50
