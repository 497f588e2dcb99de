"""Splitting thinking from the rest (Ollama API, 8.1)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ollama_nb.prompt.thinking import ThinkingSplitter

FRAGMENTS = [
    "<think>",
    "</think>",
    "<",
    "</",
    "<thi",
    "nk>",
    "</thing>",
    " ",
    "\n",
    "a",
    "é😀",
    ">",
]
texts = st.lists(st.sampled_from(FRAGMENTS)).map("".join)


def split(*pieces, inside=False):
    splitter = ThinkingSplitter(inside=inside)
    parts = [*map(splitter.feed, pieces), splitter.flush()]
    return "".join(part.thinking for part in parts), "".join(part.text for part in parts)


@pytest.mark.parametrize(
    ("text", "thinking", "rest"),
    [
        ("hello", "", "hello"),
        ("  hello\n", "", "  hello\n"),
        ("<think>a</think>b", "a", "b"),
        (" \n<think> \na </think>\n\n b ", "a ", "b "),
        ("x<think>a</think>b", "", "x<think>a</think>b"),
        ("  x<think>a</think>b", "", "  x<think>a</think>b"),
        ("<think>a</thing>b</think>c", "a</thing>b", "c"),
        ("<think>never closed", "never closed", ""),
        ("<think>a</thi", "a</thi", ""),
        ("<thin", "", "<thin"),
        ("<thinner", "", "<thinner"),
        ("<think></think>b", "", "b"),
        ("<think>a</think>b<think>c</think>", "a", "b<think>c</think>"),
        ("", "", ""),
        (" \n", "", " \n"),
    ],
)
def test_what_is_thinking_and_what_is_text(text, thinking, rest):
    assert split(text) == (thinking, rest)
    assert split(*text) == (thinking, rest)


@pytest.mark.parametrize(
    ("text", "thinking", "rest"),
    [("\na</think>\n\nb", "a", "b"), ("a", "a", ""), ("</think>b", "", "b"), ("  ", "", "")],
)
def test_a_prompt_that_ends_with_the_opening_tag_begins_inside(text, thinking, rest):
    assert split(text, inside=True) == (thinking, rest)


@given(texts, st.data(), st.booleans())
def test_any_chunking_gives_the_same_split(text, data, inside):
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)))))
    pieces = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    assert split(*pieces, inside=inside) == split(text, inside=inside)


@given(texts)
def test_without_an_opening_tag_in_front_nothing_is_lost(text):
    if not text.lstrip().startswith("<think>"):
        assert split(*text) == ("", text)


@given(texts)
def test_only_what_could_be_a_tag_is_held_back(text):
    splitter = ThinkingSplitter(inside=True)
    fed = "".join(char for char in text if char != "<")
    shown = splitter.feed(fed)
    assert shown.thinking == fed.lstrip()


def test_a_chunk_that_spans_the_border_carries_both():
    splitter = ThinkingSplitter(inside=True)
    assert splitter.feed("a</think>b") == ("a", "b")
