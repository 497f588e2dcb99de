"""How likely tokens are: the arithmetic, and which of them are told when."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ollama_nb.engine.detokenize import Detokenizer
from ollama_nb.engine.logprobs import HeldLogprobs, log_probabilities

QUESTION = "<|im_start|>user\nHow do I pull a model?<|im_end|>\n<|im_start|>assistant\n"

rows = st.lists(st.integers(-3, 3), min_size=1, max_size=30).map(
    lambda row: np.array(row, np.float32)
)


@given(rows, st.data())
def test_the_numbers_are_those_of_the_softmax_and_the_best_come_first(row, data):
    token = data.draw(st.integers(0, len(row) - 1))
    top = data.draw(st.integers(0, len(row) + 3))
    expected = np.log(np.exp(row) / np.exp(row).sum())
    logprob, best = log_probabilities(row, token, top)
    assert logprob == pytest.approx(expected[token], abs=1e-5)
    order = sorted(range(len(row)), key=lambda id: (-row[id], id))[:top]
    assert [id for id, _ in best] == order
    assert [value for _, value in best] == pytest.approx(expected[order], abs=1e-5)


def test_what_cannot_occur_has_a_number_that_json_can_hold():
    logprob, _ = log_probabilities(np.array([0, -np.inf], np.float32), 1, 0)
    assert logprob == -9999.0


def test_every_token_of_the_answer_is_told_once_and_with_its_text(submit):
    text, told, _ = submit(QUESTION, num_predict=30, top_logprobs=3).finish_told()
    assert b"".join(one.data for one in told).decode() == text
    assert all(len(one.top) == 3 for one in told)
    assert all(one.data == one.top[0][0] and one.logprob <= 0 for one in told)  # greedy


def test_nothing_is_told_unless_asked(submit):
    sequence = submit(QUESTION, num_predict=3)
    assert all(not sequence.next().logprobs for _ in range(3))


def test_a_stop_string_takes_its_tokens_along(submit):
    whole, _ = submit(QUESTION, num_predict=60).finish()
    stop = whole[5:12]
    sequence = submit(QUESTION, {"temperature": 0, "stop": [stop]}, num_predict=60, top_logprobs=0)
    _, told, _ = sequence.finish_told()
    assert b"".join(one.data for one in told).decode().startswith(whole[: whole.index(stop)])
    assert len(b"".join(one.data for one in told)) < whole.index(stop) + len(stop)


class Pieces:
    """A vocabulary of these texts."""

    def __init__(self, *texts):
        self._texts = texts

    def piece(self, token, *, special):
        return self._texts[token]


def told(stop, *texts):
    """Which tokens are told with which text."""
    text, held = Detokenizer([stop]), HeldLogprobs(Pieces(*texts), 0)
    rows = []
    for token, data in enumerate(texts):
        held.note(np.zeros(len(texts), np.float32), token, len(data))
        shown = text.feed(data)
        if shown:
            rows.append((shown, [one.data for one in held.release(text.num_held)]))
    rest = text.flush()
    return [*rows, (rest, [one.data for one in held.release(text.num_held)])]


def test_what_is_held_back_is_told_with_its_text_whatever_came_before():
    broken = b"\xff\xfe"
    assert told("ENDS", broken, b"E", b"N", b"E", b"x", b"EN") == [
        ("\ufffd\ufffd", [broken]), ("EN", [b"E", b"N"]), ("Ex", [b"E", b"x"]), ("EN", [b"EN"]),
    ]  # fmt: skip


def test_tokens_of_a_stop_string_are_not_told():
    assert told("END", b"aE", b"N", b"D") == [("a", [b"aE"]), ("", [])]
    assert told("END", b"a", b"bEND") == [("a", [b"a"]), ("b", [b"bEND"]), ("", [])]
    assert told("END", b"E", b"ND") == [("", [])]


def test_a_token_without_text_is_told_too():
    assert told("END", b"a", b"", b"b", b"") == [
        ("a", [b"a"]), ("b", [b"", b"b"]), ("", [b""]),
    ]  # fmt: skip
