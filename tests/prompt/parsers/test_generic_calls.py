"""Calls after a tag that nothing closes, and calls without one (models, 6.1; Ollama API, 8.2)."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sample_answers import LIMA, PARIS, TOOLS, read_all, tool

from ollama_nb.prompt.parsers import Call, Parsed, answer_format
from ollama_nb.prompt.parsers.generic import Tagged
from ollama_nb.prompt.parsers.tagged_format import TaggedFormat

TAGGED = TaggedFormat(Tagged("Call:"))
BARE = answer_format("", None, "")
PARIS_JSON = '{"name": "get_weather", "arguments": {"city": "Paris", "days": 3}}'
LIMA_JSON = '{"name": "get_weather_history", "parameters": {"city": "Lima"}}'
words = st.lists(
    st.sampled_from(["Call:", "Ca", PARIS_JSON, LIMA_JSON, *"{}\"',:[ \n", "get_weather", "ping"])
).map("".join)


@pytest.mark.parametrize(
    ("answer", "text", "calls"),
    [
        (f"Well. Call: {PARIS_JSON}", "Well. ", (PARIS,)),
        (f"Call: {PARIS_JSON} and {LIMA_JSON}\nCall over.", "", (PARIS, LIMA)),
        (f"Call: [{PARIS_JSON}, {LIMA_JSON}]", "", (PARIS, LIMA)),
        ('Call: get_weather_history {"city": "Lima"}', "", (LIMA,)),
        ('Call: get_weather_history {"arguments": {"city": "Lima"}}', "", (LIMA,)),
        ('Call: {"get_weather_history": {"city": "Lima"}}', "", (LIMA,)),
        ('Call: {"tool_name": "get_weather_history", "parameters": {"city": "Lima"}}', "", (LIMA,)),
        ('Call: {"type": "function", "function": {"name": "get_weather_history", '
         '"arguments": "{\\"city\\": \\"Lima\\"}"}}', "", (LIMA,)),
        ('Call: {"name": "ping"}', "", (Call("ping", {}),)),
        ('Call: {"name": "ping", "arguments": null}', "", (Call("ping", {}),)),
        ('Call: {not json} {"name": "ping", "arguments": {}}', "", (Call("ping", {}),)),
        ('Call: get_weather_2 {"city": "Lima"}', 'Call: get_weather_2 {"city": "Lima"}', ()),
        ('Call: {"name": "no", "arguments": {"ping": {}}}',
         'Call: {"name": "no", "arguments": {"ping": {}}}', ()),
        ('Call: {"name": "ping", "arguments": 1}', 'Call: {"name": "ping", "arguments": 1}', ()),
        ("Call: ping", "Call: ping", ()),
        ("Call me. Call", "Call me. Call", ()),
    ],
)  # fmt: skip
def test_after_a_tag_come_calls_or_all_is_text(answer, text, calls):
    assert read_all(TAGGED, answer) == read_all(TAGGED, *answer) == Parsed("", text, calls)


def test_a_call_is_sent_when_its_json_is_complete():
    parser = TAGGED.parser(TOOLS, thinks=False, inside=False)
    first = parser.feed(f"Yes. Call: {PARIS_JSON}")
    assert first == Parsed("", "Yes. ", (PARIS,))
    assert parser.feed(f"\n{LIMA_JSON}") == Parsed("", "", (LIMA,))
    assert parser.flush() == Parsed()


def test_the_longest_name_counts_and_no_part_of_a_word():
    tools = [tool("get", x="string"), tool("get_all", x="string")]
    for name, called in (("get", "get"), ("get_all", "get_all"), ("get_al", None)):
        parser = TAGGED.parser(tools, thinks=False, inside=False)
        answer = f'Call: {name} {{"x": "get"}}'
        calls = [call.name for char in answer for call in parser.feed(char).calls]
        assert calls == ([called] if called else [])


@given(words, st.sampled_from([TAGGED, BARE]))
def test_without_a_call_nothing_is_lost(text, kind):
    parsed = read_all(kind, *text)
    assert parsed.calls or parsed.text == text


@given(st.dictionaries(st.text(), st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8,
)), st.booleans())  # fmt: skip
def test_arguments_arrive_as_they_were_written(arguments, as_text):
    value = json.dumps(arguments) if as_text else arguments
    answer = json.dumps({"name": "ping", "arguments": value}, ensure_ascii=False)
    for kind in (TAGGED, BARE):
        prefix = "Call: " if kind is TAGGED else ""
        assert read_all(kind, *(prefix + answer)).calls == (Call("ping", arguments),)


@pytest.mark.parametrize(
    ("answer", "text", "calls"),
    [
        (f" \n{PARIS_JSON}", "", (PARIS,)),
        (f"{PARIS_JSON}\nThat was it.", "That was it.", (PARIS,)),
        (f"{PARIS_JSON}; {LIMA_JSON}", "", (PARIS, LIMA)),
        (f"{PARIS_JSON} {{1}} {LIMA_JSON}", f"{{1}} {LIMA_JSON}", (PARIS,)),
        (f"So {PARIS_JSON}", f"So {PARIS_JSON}", ()),
        ('{"city": "Paris"} is it', '{"city": "Paris"} is it', ()),
        ('{"name": "ping", "arguments": {}', '{"name": "ping", "arguments": {}', ()),
    ],
)
def test_without_a_tag_only_an_answer_that_begins_with_a_call_has_one(answer, text, calls):
    assert read_all(BARE, answer) == read_all(BARE, *answer) == Parsed("", text, calls)


def test_text_that_is_no_call_streams_once_its_braces_balance():
    parser = BARE.parser(TOOLS, thinks=False, inside=False)
    assert parser.feed('{"a": ') == Parsed()
    assert parser.feed("1}") == Parsed("", '{"a": 1}')
    assert parser.feed(" more") == Parsed("", " more")


@pytest.mark.parametrize("kind", [TAGGED, BARE])
@pytest.mark.parametrize("piece", ["{", "[", " ", '"', "Call:", "{}", "a"])
def test_long_nonsense_comes_back_whole(kind, piece):
    text = piece * 5000
    assert read_all(kind, *text) == read_all(kind, text) == Parsed("", text)
