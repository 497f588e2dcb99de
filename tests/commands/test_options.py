"""--options and --keep-alive: words become what the wire takes, or are named."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ollama_nb.commands.options import (
    OPTION_NAMES,
    parse_format,
    parse_keep_alive_word,
    parse_options,
)
from ollama_nb.commands.parser import split
from ollama_nb.commands.requests import embed_request_of, request_of
from ollama_nb.commands.verbs import parse
from ollama_nb.commands.ways import LINE
from ollama_nb.errors import UsageProblem


def problem(*pairs):
    with pytest.raises(UsageProblem) as caught:
        parse_options(pairs)
    return str(caught.value)


def test_values_are_json_where_possible():
    pairs = ["temperature=0.2", 'stop=["x", "y"]', "num_predict=5", "use_mmap=true"]
    expected = {"temperature": 0.2, "stop": ["x", "y"], "num_predict": 5, "use_mmap": True}
    assert parse_options(pairs) == expected


def test_the_later_of_two_wins():
    assert parse_options(["seed=1", "seed=2"]) == {"seed": 2}


def test_a_bad_one_is_named():
    assert "temperature=hot" in problem("seed=1", "temperature=hot")
    assert "name=value" in problem("temperature")
    assert "name=value" in problem("=1")
    assert "Did you mean temperature?" in problem("temprature=1")
    assert "num_predict" in problem("zzzzzz=1")
    assert """stop='["text"]'""" in problem("stop=x")


@given(st.sampled_from(OPTION_NAMES), st.text())
def test_any_value_parses_or_is_a_usage_problem(name, value):
    with contextlib.suppress(UsageProblem):
        assert list(parse_options([f"{name}={value}"])) == [name]


def test_keep_alive_numbers_are_seconds():
    assert parse_keep_alive_word("0") == 0
    assert parse_keep_alive_word("-1") == -1
    assert parse_keep_alive_word("1h30m") == "1h30m"


def request(line):
    return request_of(parse(split(line), LINE).arguments, prompt="p", system="")


def test_request_carries_what_was_asked():
    asked = request("generate --options temperature=0 --seed 7 --keep-alive 0 --think --raw p")
    assert asked.options == {"temperature": 0, "seed": 7, "repeatable": True}
    assert asked.keep_alive == 0
    assert asked.think is True
    assert asked.raw
    assert asked.model == "guide"


def test_request_leaves_out_what_was_not():
    asked = request("generate p")
    assert (asked.options, asked.keep_alive, asked.think) == (None, None, None)


def test_wrong_durations_are_refused_before_anything_loads():
    with pytest.raises(UsageProblem, match="--keep-alive tomorrow: "):
        request("generate --keep-alive tomorrow p")


def test_a_format_is_json_or_a_schema():
    assert parse_format("") is None
    assert parse_format("json") == "json"
    assert parse_format('{"type": "integer"}') == {"type": "integer"}


@pytest.mark.parametrize("text", ["xml", "[1]", "{", "3"])
def test_another_format_is_a_usage_problem(text):
    with pytest.raises(UsageProblem, match="--format"):
        parse_format(text)


def test_a_seed_makes_an_answer_repeatable_unless_told_otherwise():
    assert request("generate --seed 7").options == {"seed": 7, "repeatable": True}
    chosen = request("generate --options seed=7 repeatable=false").options
    assert chosen == {"seed": 7, "repeatable": False}
    assert request("generate").options is None


def embed_request(line, text="one\n\n  two \n"):
    return embed_request_of(parse(split(f"embed {line}"), LINE).arguments, text=text)


def test_an_embed_request_carries_what_was_asked():
    asked = embed_request("-m all-minilm --dimensions 8 --keep-alive 30 --options num_ctx=512")
    assert (asked.model, asked.dimensions, asked.keep_alive) == ("all-minilm", 8, 30)
    assert asked.options == {"num_ctx": 512}


def test_an_embed_request_leaves_out_what_was_not():
    asked = embed_request("")
    assert (asked.model, asked.input) == ("guide", ["one\n\n  two \n"])
    assert (asked.dimensions, asked.keep_alive, asked.options) == (0, None, None)
    assert asked.truncate


def test_lines_are_texts_of_their_own():
    assert embed_request("--lines").input == ["one", "two"]
    assert embed_request("--lines", "\r\n one\x0bhalf\r\n\ttwo\u2028half").input == [
        "one\x0bhalf", "two\u2028half",
    ]  # fmt: skip
    assert embed_request("--lines", " \n ").input == []


@pytest.mark.parametrize("line", ["--dimensions 0", "--dimensions -3", "--options num_ctx=x"])
def test_wrong_values_of_embed_are_usage_problems(line):
    with pytest.raises(UsageProblem, match=line.split()[0]):
        embed_request(line)


def test_wrong_durations_of_embed_are_refused_before_anything_loads():
    with pytest.raises(UsageProblem, match="--keep-alive tomorrow: "):
        embed_request("--keep-alive tomorrow")
