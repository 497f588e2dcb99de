"""Bytes of tokens become text: whole characters, cut before the first stop (Ollama API, 6.7)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ollama_nb.engine.detokenize import Detokenizer

FRAGMENTS = ["a", "b", "ab", "é", "😀", "\n", "</s>", "</", "User:", " ", "\ufffd"]
texts = st.lists(st.sampled_from(FRAGMENTS)).map("".join)
stops = st.lists(texts.filter(bool), max_size=4)


def pieces_of(data, cuts):
    bounds = sorted(min(cut, len(data)) for cut in cuts)
    return [data[a:b] for a, b in zip([0, *bounds], [*bounds, len(data)], strict=True)]


def shown(pieces, stops=()):
    """Everything given out, as a sequence of the engine would, and the stop that ended it."""
    detokenizer = Detokenizer(stops)
    text = ""
    for piece in pieces:
        text += detokenizer.feed(piece)
        if detokenizer.stopped:
            break
    return text + detokenizer.flush(), detokenizer.stopped_by


def cut_at_first_stop(text, stops):
    """By definition: the first stop to be complete; of two complete at once the longer."""
    for end in range(len(text) + 1):
        starts = [end - len(stop) for stop in stops if text[:end].endswith(stop)]
        if starts:
            return text[: min(starts)], text[min(starts) : end]
    return text, ""


@given(texts, stops, st.lists(st.integers(0, 60)))
def test_any_chunking_gives_the_text_cut_at_the_first_stop(text, stops, cuts):
    pieces = pieces_of(text.encode(), cuts)
    assert shown(pieces, stops) == cut_at_first_stop(text, stops)


@given(
    st.binary() | st.binary().map(lambda data: "a😀é".encode() + data), st.lists(st.integers(0, 40))
)
def test_broken_utf8_becomes_replacement_characters_however_it_is_divided(data, cuts):
    assert shown(pieces_of(data, cuts)) == (data.decode("utf-8", "replace"), "")


@given(texts, stops)
def test_only_a_possible_beginning_of_a_stop_is_held_back(text, stops):
    detokenizer = Detokenizer(stops)
    given_out = ""
    for at, char in enumerate(text, 1):
        given_out += detokenizer.feed(char.encode())
        if detokenizer.stopped:
            return
        begun = (size for stop in stops for size in range(len(stop)))
        held = max((size for size in begun if _begins_a_stop(text[:at], size, stops)), default=0)
        assert given_out == text[: at - held]


def _begins_a_stop(text, size, stops):
    return size > 0 and any(text.endswith(stop[:size]) for stop in stops if len(stop) > size)


def test_an_emoji_split_over_four_tokens_comes_out_whole():
    detokenizer = Detokenizer([])
    assert [detokenizer.feed(bytes([byte])) for byte in "😀".encode()] == ["", "", "", "😀"]
    assert detokenizer.flush() == ""


def test_an_unfinished_character_at_the_end_is_a_replacement_character():
    detokenizer = Detokenizer([])
    assert detokenizer.feed("a😀".encode()[:3]) == "a"
    assert detokenizer.flush() == "\ufffd"


def test_a_fake_beginning_is_released_as_soon_as_it_is_decided():
    detokenizer = Detokenizer(["</stop>"])
    assert detokenizer.feed(b"x</sto") == "x"
    assert detokenizer.feed(b"rm") == "</storm"


def test_what_was_held_back_comes_with_the_end():
    detokenizer = Detokenizer(["stop"])
    assert detokenizer.feed(b"sto") == ""
    assert detokenizer.flush() == "sto"
    assert not detokenizer.stopped


@pytest.mark.parametrize(
    ("text", "stops", "expected", "met"),
    [
        ("abcd", ["abc", "b"], "a", "b"),
        ("abcd", ["bc", "abc"], "", "abc"),
        ("aab", ["ab"], "a", "ab"),
        ("ababac", ["abac"], "ab", "abac"),
        ("x\n\ny", ["\n\n"], "x", "\n\n"),
        ("stop", ["stop"], "", "stop"),
    ],
)
def test_stops_that_overlap(text, stops, expected, met):
    data = text.encode()
    assert shown([data], stops) == (expected, met)
    assert shown([bytes([byte]) for byte in data], stops) == (expected, met)


def test_after_a_stop_nothing_is_left():
    detokenizer = Detokenizer(["."])
    assert detokenizer.feed(b"one. two") == "one"
    assert detokenizer.flush() == ""
