"""Every format: thinking, text and calls apart, however the answer is cut (models, 6.3)."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sample_answers import SAMPLES, TOOLS, parser_of, read, read_all

from ollama_nb.prompt.parsers import Call, Parsed

FORMATS = list({(one.parser, one.jinja): one.format for one in SAMPLES}.values())
MARKS = sorted({mark for kind in FORMATS for mark in kind.marks})
FRAGMENTS = [
    *MARKS, *"{}[]()<>\"'\\,:;=`\n ", "get_weather", "get_weather_history", "ping", "add(a=1, b=2)",
    '"name"', '"arguments"', '{"city": "Paris"}', "[ARGS]", "call:", "to=functions.ping", "final",
    "<function=", "<parameter=", "</parameter>", "<arg_key>", "</arg_key>", "<arg_value>",
    "</arg_value>", "```", "\ud800", "é😀", "don't", "0" * 30, "1e999", "NaN", "\\ud83d",
]  # fmt: skip
samples = st.sampled_from(SAMPLES)
formats = st.sampled_from(FORMATS)
texts = st.lists(st.sampled_from(FRAGMENTS), max_size=30).map("".join) | st.text(max_size=60)


@st.composite
def mutants(draw):
    """A valid answer with some of it cut out, doubled or replaced."""
    sample = draw(samples)
    text = sample.answer
    for _ in range(draw(st.integers(1, 3))):
        begin, end = sorted(draw(st.integers(0, len(text))) for _ in range(2))
        middle = draw(st.sampled_from(["", text[begin:end] * 2, *FRAGMENTS]))
        text = text[:begin] + middle + text[end:]
    return sample.format, text


def cut(text, data):
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)))))
    return [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]


@pytest.mark.parametrize("sample", SAMPLES, ids=str)
def test_an_answer_is_taken_apart(sample):
    assert read_all(sample.format, sample.answer) == sample.parsed
    assert read_all(sample.format, *sample.answer) == sample.parsed


@given(samples, st.data())
def test_any_cut_of_an_answer_gives_the_same(sample, data):
    assert read_all(sample.format, *cut(sample.answer, data)) == sample.parsed


@given(mutants(), st.data(), st.booleans(), st.booleans())
def test_any_cut_of_a_broken_answer_gives_the_same(mutant, data, thinks, inside):
    kind, text = mutant
    whole = read_all(kind, text, thinks=thinks, inside=inside)
    assert read_all(kind, *cut(text, data), thinks=thinks, inside=inside) == whole
    assert read_all(kind, *text, thinks=thinks, inside=inside) == whole


@given(formats, texts, st.data())
def test_any_cut_of_any_text_gives_the_same(kind, text, data):
    assert read_all(kind, *cut(text, data)) == read_all(kind, *text) == read_all(kind, text)


@given(st.one_of(mutants(), st.tuples(formats, texts)))
def test_calls_are_of_tools_on_offer_and_can_be_sent(mutant):
    kind, text = mutant
    for call in read_all(kind, text).calls:
        assert call.name in {tool["function"]["name"] for tool in TOOLS}
        json.dumps(call.arguments, allow_nan=False, ensure_ascii=False).encode()


@given(formats, st.text(alphabet="ab é\n", max_size=50))
def test_plain_text_stays_as_it_is(kind, text):
    assert read_all(kind, *text) == Parsed("", text)


@given(st.one_of(mutants(), st.tuples(formats, texts)))
def test_without_tools_a_tagged_format_leaves_the_text_alone(mutant):
    kind, text = mutant
    wrappers = [mark for mark in kind.marks if "RESPONSE" in mark or "_TEXT" in mark]
    if "<|channel|>" not in kind.marks and not any(mark in text for mark in wrappers):
        expected = text.replace("<|/tool_call|>", "") if "<|/tool_call|>" in kind.marks else text
        assert read(kind.parser([], thinks=False, inside=False), *text) == Parsed("", expected)


@pytest.mark.parametrize("sample", SAMPLES, ids=str)
def test_calls_of_tools_that_are_not_on_offer_are_text(sample):
    others = [{"type": "function", "function": {"name": "other"}}]
    parsed = read(sample.format.parser(others, thinks=True, inside=False), *sample.answer)
    assert not parsed.calls
    assert parsed.thinking == sample.parsed.thinking
    for call in sample.parsed.calls:
        assert call.name in parsed.text


@pytest.mark.parametrize("sample", SAMPLES, ids=str)
def test_tags_stay_in_the_text_if_thinking_is_not_told_apart(sample):
    parsed = read_all(sample.format, *sample.answer, thinks=False)
    tags = sample.format.thinking_tags
    if sample.parsed.thinking and sample.parser != "harmony":
        assert parsed.thinking == ""
        assert parsed.text.startswith(tags[0])
        assert parsed.calls == sample.parsed.calls


@pytest.mark.parametrize("sample", SAMPLES, ids=str)
def test_an_answer_that_breaks_off_loses_nothing(sample):
    for length in range(len(sample.answer)):
        parsed = read_all(sample.format, *sample.answer[:length])
        written = sum(len(call.name) for call in parsed.calls)
        assert parsed.calls == sample.parsed.calls[: len(parsed.calls)]
        assert written or all(
            word in parsed.text + parsed.thinking
            for word in ("Paris", "Lima", "Hm", "Yes")
            if word in sample.answer[:length]
        )


def test_a_call_comes_with_the_piece_that_ends_it_not_at_the_end_of_the_answer():
    for sample in SAMPLES:
        parser = parser_of(sample.format)
        calls = [call for char in sample.answer for call in parser.feed(char).calls]
        ends = parser.flush().calls
        assert [*calls, *ends] == list(sample.parsed.calls)
        assert not ends or sample.parser == "harmony"


def test_a_name_outside_of_the_json_counts_if_the_json_has_none():
    kind = SAMPLES[0].format
    assert kind.call_prefix.strip() == "<tool_call>"
    parsed = read_all(kind, '<tool_call>get_weather {"city": "Lima"}</tool_call>')
    assert parsed.calls == (Call("get_weather", {"city": "Lima"}),)


@pytest.mark.parametrize("sample", SAMPLES[::3], ids=str)
@pytest.mark.parametrize("piece", ["{", "[", " ", "a ", '"'])
def test_long_nonsense_comes_back_whole(sample, piece):
    text = piece * 3000
    assert read_all(sample.format, *text) == read_all(sample.format, text) == Parsed("", text)
