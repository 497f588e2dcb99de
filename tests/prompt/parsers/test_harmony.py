"""The channels of gpt-oss (models, 6.3)."""

import pytest
from sample_answers import LIMA, read, read_all, tool

from ollama_nb.prompt.parsers import Call, Parsed, answer_format, identifiers

HARMONY = answer_format("harmony", None, "")
FINAL = "<|channel|>final<|message|>"


def test_thinking_streams_as_it_comes():
    parser = HARMONY.parser([], thinks=False, inside=False)
    assert parser.feed("<|channel|>analysis<|message|>Hm") == Parsed("Hm")
    assert parser.feed("m.<|en") == Parsed("m.")
    assert parser.feed(f"d|><|start|>assistant{FINAL}Yes") == Parsed("", "Yes")


def test_a_prompt_may_have_begun_the_thinking():
    answer = f"Hm.<|end|><|start|>assistant{FINAL}Yes."
    assert read_all(HARMONY, *answer, inside=True) == Parsed("Hm.", "Yes.")


@pytest.mark.parametrize(
    "header",
    [
        "<|channel|>commentary to=functions.get_weather_history <|constrain|>json",
        "<|channel|>commentary to=functions.get_weather_history<|constrain|>json",
        "<|start|>assistant<|channel|>commentary to=get_weather_history json",
        "<|channel|>analysis to=functions.get_weather_history code",
        " to=functions.get_weather_history<|channel|>commentary",
    ],
)
@pytest.mark.parametrize("end", ["<|call|>", "<|end|>", ""])
def test_a_recipient_makes_a_call(header, end):
    answer = f'{header}<|message|>{{"city": "Lima"}}{end}'
    assert read_all(HARMONY, *answer) == Parsed("", "", (LIMA,))


def test_a_call_of_an_unknown_tool_is_text():
    answer = '<|channel|>commentary to=functions.no<|message|>{"city": "Lima"}<|call|>'
    assert read_all(HARMONY, *answer) == Parsed("", answer.removesuffix("<|call|>"))


def test_a_call_that_breaks_off_is_text():
    answer = '<|channel|>commentary to=functions.get_weather<|message|>{"city": "Li'
    assert read_all(HARMONY, *answer) == Parsed("", answer)


def test_a_header_that_breaks_off_is_no_text():
    answer = f"{FINAL}Yes.<|end|><|start|>assistant<|channel|>comm"
    assert read_all(HARMONY, *answer) == Parsed("", "Yes.")


def test_marks_without_a_message_are_text():
    answer = "<|channel|>some words that are no header at all"
    assert read_all(HARMONY, *answer) == Parsed("", answer)


def test_headers_full_of_white_space_are_read_fast():
    answer = ("<|start|>" + " " * 240 + "!") * 5000
    assert read_all(HARMONY, answer) == Parsed("", answer)


def test_names_of_tools_become_identifiers_and_come_back():
    names = ["get-it", "get it", "get.it", "2nd", "§", "fine", "fine", "get_it"]
    given = identifiers(names)
    assert given == {
        "get-it": "get_it_2",
        "get it": "get_it_3",
        "get.it": "get_it_4",
        "2nd": "_2nd",
        "§": "unnamed",
        "fine": "fine",
        "get_it": "get_it",
    }
    tools = [tool(name) for name in given]
    kept = ("fine", "get_it")
    assert HARMONY.names(tools) == {a: b for a, b in given.items() if a not in kept}
    for name, written in given.items():
        answer = f"<|channel|>commentary to=functions.{written}<|message|>{{}}<|call|>"
        parsed = read(HARMONY.parser(tools, thinks=True, inside=False), answer)
        assert parsed.calls == (Call(name, {}),)


def test_what_precedes_a_structured_answer_ends_where_the_final_message_begins():
    end = f"<|end|><|start|>assistant{FINAL}"
    for thinks in (False, True):
        begun = HARMONY.free_part(thinks=thinks, inside=True)
        assert begun == ("", end)
        assert HARMONY.free_part(thinks=thinks, inside=False) == (
            "<|channel|>analysis<|message|>",
            end,
        )
