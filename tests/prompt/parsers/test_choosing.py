"""Which format a model's answers are in (models, 6.3)."""

from importlib.resources import files

import pytest
from sample_answers import LIMA, PARIS, PING, read_all

from ollama_nb.prompt.chat_template import chat_template
from ollama_nb.prompt.parsers import answer_format

THINK = ("<think>", "</think>")
TEMPLATES = files("ollama_nb.guide") / "templates"
LIMA_JSON = '{"name": "get_weather_history", "parameters": {"city": "Lima"}}'


def go(before):
    return chat_template(
        f'{{{{ range .Messages }}}}{{{{ if .ToolCalls }}}}{before}{{"name": '
        '"{{ .Function.Name }}", "parameters": {{ .Function.Arguments }}}{{ end }}{{ end }}'
    )


@pytest.mark.parametrize(
    ("parser", "tags"),
    [
        ("qwen3", THINK),
        ("qwen3-coder", None),
        ("ministral", ("[THINK]", "[/THINK]")),
        ("gemma4", ("<|channel>thought", "<channel|>")),
        ("passthrough", None),
        ("unheard-of", None),
    ],
)
def test_the_parser_of_the_config_comes_first(parser, tags):
    template = go("Call:")
    assert answer_format(parser, template, "").thinking_tags == tags


def test_a_parser_that_is_not_known_counts_as_none():
    assert read_all(answer_format("unheard-of", go("Call:"), ""), f"Call:{LIMA_JSON}").calls


def test_passthrough_reads_no_calls():
    answer = f"<tool_call>{LIMA_JSON}</tool_call>"
    assert read_all(answer_format("passthrough", None, ""), answer).text == answer


@pytest.mark.parametrize(
    ("before", "answer", "prefix"),
    [
        ("<tool_call>\n", f"<tool_call>\n{LIMA_JSON}\n</tool_call>", "<tool_call>\n"),
        ("[TOOL_CALLS] [", f"[TOOL_CALLS] [{LIMA_JSON}]", "[TOOL_CALLS]["),
        (" functools[", f"functools[{LIMA_JSON}]", "functools["),
        ("", LIMA_JSON, ""),
        ("[", f"[{LIMA_JSON}]", ""),
    ],
)
def test_a_go_template_shows_the_tag(before, answer, prefix):
    kind = answer_format("", go(before), "no matter")
    assert read_all(kind, *answer).calls == (LIMA,)
    assert (kind.call_prefix, kind.arguments_key) == (prefix, "parameters")


@pytest.mark.parametrize(("name", "tags"), [("latest.gotmpl", None), ("think.gotmpl", THINK)])
def test_the_guide_is_known_by_its_templates(name, tags):
    kind = answer_format("", chat_template((TEMPLATES / name).read_text()), "")
    assert kind.thinking_tags == tags
    assert (kind.call_prefix, kind.arguments_key) == ("<tool_call>\n", "arguments")


@pytest.mark.parametrize("tags", [THINK, ("[THINK]", "[/THINK]")])
def test_thinking_may_precede_a_structured_answer(tags):
    kind = answer_format("", None, "".join(tags))
    assert kind.free_part(thinks=True, inside=False) == tags
    assert kind.free_part(thinks=True, inside=True) == ("", tags[1])
    assert kind.free_part(thinks=False, inside=False) == ("", "")


def test_the_guide_is_known_by_its_jinja_text():
    kind = answer_format("", None, (TEMPLATES / "chat.jinja").read_text())
    answer = f"<tool_call>\n{LIMA_JSON}\n</tool_call>"
    assert read_all(kind, answer).calls == (LIMA,)


def test_a_jinja_text_with_both_tags_shows_that_the_model_thinks():
    assert answer_format("", None, "<think></think>").thinking_tags == THINK
    assert answer_format("", None, "<think>").thinking_tags is None
    assert answer_format("", None, "").thinking_tags is None


@pytest.mark.parametrize(
    ("jinja", "answer"),
    [
        ("<|start|> <|channel|> <tool_call>",
         '<|channel|>commentary to=functions.get_weather<|message|>{"city":"Paris","days":3}'),
        ("<tool_call> <function=",
         "<function=get_weather><parameter=city>Paris</parameter><parameter=days>3</parameter>"
         "</function>"),
        ("<tool_call> [TOOL_CALLS]",
         '<tool_call>{"name":"get_weather","arguments":{"city":"Paris","days":3}}</tool_call>'),
        ("<function_calls>", "<function_calls>get_weather('Paris', 3)</function_calls>"),
        ("", '{"name":"get_weather","arguments":{"city":"Paris","days":3}}'),
    ],
)  # fmt: skip
def test_marks_in_a_jinja_text_show_the_format(jinja, answer):
    assert read_all(answer_format("", None, jinja), *answer).calls == (PARIS,)


def test_a_go_template_of_channels_is_harmony():
    template = chat_template("<|start|>{{ range .Messages }}<|channel|>{{ .Content }}{{ end }}")
    answer = "<|channel|>commentary to=functions.ping<|message|>{}"
    assert read_all(answer_format("", template, ""), answer).calls == (PING,)


def test_tags_that_nothing_names_are_still_told_apart_if_asked():
    kind = answer_format("", None, "")
    assert read_all(kind, "<think>a</think>b", thinks=True).thinking == "a"
    assert set(THINK) <= set(kind.marks)


def test_a_choice_is_made_once():
    assert answer_format("", go("Call:"), "") is answer_format("", go("Call:"), "")
