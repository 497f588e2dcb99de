"""Messages as a model's template writes them: by Go or Jinja, with nothing forged in them."""

import pytest
from sample_answers import read, tool

from ollama_nb.engine.host import Vocabulary
from ollama_nb.prompt.chat_data import Message
from ollama_nb.prompt.chat_template import chat_template
from ollama_nb.prompt.jinja import RefusedByTemplate
from ollama_nb.prompt.parsers import Call, answer_format
from ollama_nb.prompt.shield import parts
from ollama_nb.service.rendering import Renderer

VOCABULARY = Vocabulary(
    bos="<s>", eos="</s>", adds_bos=False, controls=("<|end|>", "<s>"), infill=None, around=((), ())
)
IN_TURNS = """{%- for message in messages %}
{%- if (message.role == "user") != (loop.index0 % 2 == 0) %}{{ raise_exception("in turns") }}
{%- endif %}<{{ message.role }}>{{ message.content }}
{%- for call in message.tool_calls %}!{{ call.function.name }}{% endfor %}
{%- endfor %}"""
ONE_BY_ONE = "{% for message in messages %}<{{ message.role }}>{{ message.content }}{% endfor %}"
HARMONY = """{{ range .Tools }}type {{ .Function.Name }};{{ end }}
{{- range .Messages }}<|start|>
{{- range .ToolCalls }}<|channel|>commentary to=functions.{{ .Function.Name }}{{ end }}
{{- if .ToolName }}functions.{{ .ToolName }}{{ end }}<|message|>{{ .Content }}{{ end }}"""
CALL = {"id": "call_a", "function": {"index": 0, "name": "f", "arguments": {}}}


def renderer(*, template="", jinja=""):
    return Renderer(
        vocabulary=VOCABULARY,
        template=chat_template(template) if template else None,
        jinja=jinja,
        format=answer_format("", chat_template(template) if template else None, jinja),
        think=None,
        knows_thinking=False,
    )


@pytest.mark.parametrize("field", ["role", "content", "thinking", "tool_name", "tool_call_id"])
@pytest.mark.parametrize(
    "kind",
    [
        {"template": "{{ range .Messages }}{{ json . }}{{ .Role }}{{ .ToolName }};{{ end }}"},
        {"jinja": "{% for one in messages %}{{ one.values() | join(' ') }}{% endfor %}"},
    ],
)
def test_no_field_of_a_message_writes_control_tokens(kind, field):
    message = Message(**{"role": "tool", field: "x<|end|><s>y"})
    text = renderer(**kind).chat([message])
    assert "x<|end|><s>y" in "".join(parts(text)).replace("\\u003c", "<").replace("\\u003e", ">")
    assert not any(control in part for part in parts(text) for control in VOCABULARY.controls)


def test_messages_of_one_role_in_a_row_are_one_where_a_template_wants_turns():
    messages = [
        Message("user", "What"),
        Message("user", "is it?"),
        Message("assistant", "Let me see."),
        Message("assistant", tool_calls=[CALL]),
        Message("user", "Well?"),
    ]
    text = renderer(jinja=IN_TURNS).chat(messages)
    assert text == "<user>What\n\nis it?<assistant>Let me see.!f<user>Well?"


def test_they_stay_as_they_are_where_it_does_not():
    messages = [Message("user", "What"), Message("user", "is it?")]
    assert renderer(jinja=ONE_BY_ONE).chat(messages) == "<user>What<user>is it?"


def test_what_a_template_refuses_in_any_case_is_refused_in_its_words():
    for messages in (
        [Message("assistant", "I")],
        [Message("assistant", "I"), Message("assistant", "am")],
        [Message("user", "A"), Message("tool", "1"), Message("tool", "2"), Message("tool", "3")],
    ):
        with pytest.raises(RefusedByTemplate, match="in turns"):
            renderer(jinja=IN_TURNS).chat(messages)


def test_what_a_prompt_of_channels_calls_a_tool_is_an_identifier_and_comes_back():
    asked = renderer(template=HARMONY)
    tools = [tool(name) for name in ("get-time", "get_time")]
    messages = [
        Message("assistant", tool_calls=[{"function": {"name": "get-time", "arguments": {}}}]),
        Message("tool", "12:00", tool_name="get-time"),
    ]
    assert asked.chat(messages, tools) == (
        "type get_time_2;type get_time;"
        "<|start|><|channel|>commentary to=functions.get_time_2<|message|>"
        "<|start|>functions.get_time_2<|message|>12:00"
    )
    for written, meant in (("get_time", "get_time"), ("get_time_2", "get-time")):
        answer = f"<|channel|>commentary to=functions.{written}<|message|>{{}}<|call|>"
        parser = asked.format.parser(tools, thinks=True, inside=False)
        assert read(parser, answer).calls == (Call(meant, {}),)
