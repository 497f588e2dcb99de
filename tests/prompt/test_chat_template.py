# ruff: noqa: E501, RUF001 - templates are longer than lines
"""Chats through Go templates: both styles, collation, tools, and well-known formats (models, 5)."""

import json

import pytest

from ollama_nb.prompt.chat_data import Message
from ollama_nb.prompt.chat_template import chat_template
from ollama_nb.prompt.go_template import TemplateError

USER = [Message("user", "U")]
CHAT = [
    Message("system", "S"), Message("user", "U"), Message("assistant", "A"), Message("user", "V"),
]  # fmt: skip

CHATML = """{{- range .Messages }}<|im_start|>{{ .Role }}
{{ .Content }}<|im_end|>
{{ end }}<|im_start|>assistant
"""
LLAMA3 = (
    "{{ range .Messages }}<|start_header_id|>{{ .Role }}<|end_header_id|>\n\n"
    "{{ .Content }}<|eot_id|>{{ end }}<|start_header_id|>assistant<|end_header_id|>\n\n"
)
MISTRAL = (
    '{{ range $i, $m := .Messages }}{{ if eq .Role "user" }}[INST] {{ if and $.System (le $i 1) }}'
    '{{ $.System }}\n\n{{ end }}{{ .Content }}[/INST]{{ else if eq .Role "assistant" }}'
    " {{ .Content }}</s>{{ end }}{{ end }}"
)
GEMMA = (
    '{{- range $i, $_ := .Messages }}{{ if eq .Role "user" }}<start_of_turn>user\n'
    "{{ if and $.System (le $i 1) }}{{ $.System }}\n{{ end }}{{ .Content }}<end_of_turn>\n"
    '{{ else if eq .Role "assistant" }}<start_of_turn>model\n{{ .Content }}<end_of_turn>\n'
    "{{ end }}{{ end }}<start_of_turn>model\n"
)
PHI3 = (
    "{{ if .System }}<|system|>\n{{ .System }}<|end|>\n{{ end }}{{ if .Prompt }}<|user|>\n"
    "{{ .Prompt }}<|end|>\n{{ end }}<|assistant|>\n{{ .Response }}<|end|>\n"
)
COMMAND_R = (
    "{{ if .System }}<|START_OF_TURN_TOKEN|><|SYSTEM_TOKEN|>{{ .System }}<|END_OF_TURN_TOKEN|>"
    "{{ end }}{{ if .Prompt }}<|START_OF_TURN_TOKEN|><|USER_TOKEN|>{{ .Prompt }}"
    "<|END_OF_TURN_TOKEN|>{{ end }}<|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>{{ .Response }}"
    "<|END_OF_TURN_TOKEN|>"
)
ALPACA = (
    "{{ with .System }}{{ . }}\n\n{{ end }}{{ with .Prompt }}### Instruction:\n{{ . }}\n\n{{ end }}"
    "### Response:\n{{ .Response }}\n\n"
)
ZEPHYR = PHI3.replace("<|end|>", "</s>")
VICUNA = (
    "{{ if .System }}{{ .System }}\n\n{{ end }}{{ if .Prompt }}USER: {{ .Prompt }}\n{{ end }}"
    "ASSISTANT:{{ if .Response }} {{ end }}{{ .Response }}</s>\n"
)
DEEPSEEK = (
    '{{ .System }}{{ range .Messages }}{{ if eq .Role "user" }}<｜User｜>{{ .Content }}'
    '{{ else if eq .Role "assistant" }}<｜Assistant｜>{{ .Content }}<｜end▁of▁sentence｜>'
    "{{ end }}{{ end }}<｜Assistant｜>"
)
OPENCHAT = (
    "{{ with .System }}GPT4 Correct System: {{ . }}<|end_of_turn|>{{ end }}GPT4 Correct User: "
    "{{ .Prompt }}<|end_of_turn|>GPT4 Correct Assistant:{{ if .Response }} {{ end }}{{ .Response }}"
    "<|end_of_turn|>"
)
SHAPES = [
    (CHATML, "<|im_start|>user⏎U<|im_end|>⏎<|im_start|>assistant⏎",
     "<|im_start|>system⏎S<|im_end|>⏎<|im_start|>user⏎U<|im_end|>⏎<|im_start|>assistant⏎A<|im_end|>"
     "⏎<|im_start|>user⏎V<|im_end|>⏎<|im_start|>assistant⏎"),
    (LLAMA3, "<|start_header_id|>user<|end_header_id|>⏎⏎U<|eot_id|><|start_header_id|>assistant"
     "<|end_header_id|>⏎⏎",
     "<|start_header_id|>system<|end_header_id|>⏎⏎S<|eot_id|><|start_header_id|>user"
     "<|end_header_id|>⏎⏎U<|eot_id|><|start_header_id|>assistant<|end_header_id|>⏎⏎A<|eot_id|>"
     "<|start_header_id|>user<|end_header_id|>⏎⏎V<|eot_id|><|start_header_id|>assistant"
     "<|end_header_id|>⏎⏎"),
    (MISTRAL, "[INST] U[/INST]", "[INST] S⏎⏎U[/INST] A</s>[INST] V[/INST]"),
    (GEMMA, "<start_of_turn>user⏎U<end_of_turn>⏎<start_of_turn>model⏎",
     "<start_of_turn>user⏎S⏎U<end_of_turn>⏎<start_of_turn>model⏎A<end_of_turn>⏎"
     "<start_of_turn>user⏎V<end_of_turn>⏎<start_of_turn>model⏎"),
    (PHI3, "<|user|>⏎U<|end|>⏎<|assistant|>⏎",
     "<|system|>⏎S<|end|>⏎<|user|>⏎U<|end|>⏎<|assistant|>⏎A<|end|>⏎<|user|>⏎V<|end|>⏎"
     "<|assistant|>⏎"),
    (COMMAND_R, "<|START_OF_TURN_TOKEN|><|USER_TOKEN|>U<|END_OF_TURN_TOKEN|><|START_OF_TURN_TOKEN|>"
     "<|CHATBOT_TOKEN|>",
     "<|START_OF_TURN_TOKEN|><|SYSTEM_TOKEN|>S<|END_OF_TURN_TOKEN|><|START_OF_TURN_TOKEN|>"
     "<|USER_TOKEN|>U<|END_OF_TURN_TOKEN|><|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>A"
     "<|END_OF_TURN_TOKEN|><|START_OF_TURN_TOKEN|><|USER_TOKEN|>V<|END_OF_TURN_TOKEN|>"
     "<|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>"),
    (ALPACA, "### Instruction:⏎U⏎⏎### Response:⏎",
     "S⏎⏎### Instruction:⏎U⏎⏎### Response:⏎A⏎⏎### Instruction:⏎V⏎⏎### Response:⏎"),
    (ZEPHYR, "<|user|>⏎U</s>⏎<|assistant|>⏎",
     "<|system|>⏎S</s>⏎<|user|>⏎U</s>⏎<|assistant|>⏎A</s>⏎<|user|>⏎V</s>⏎<|assistant|>⏎"),
    (VICUNA, "USER: U⏎ASSISTANT:", "S⏎⏎USER: U⏎ASSISTANT: A</s>⏎USER: V⏎ASSISTANT:"),
    (DEEPSEEK, "<｜User｜>U<｜Assistant｜>",
     "S<｜User｜>U<｜Assistant｜>A<｜end▁of▁sentence｜><｜User｜>V<｜Assistant｜>"),
    (OPENCHAT, "GPT4 Correct User: U<|end_of_turn|>GPT4 Correct Assistant:",
     "GPT4 Correct System: S<|end_of_turn|>GPT4 Correct User: U<|end_of_turn|>GPT4 Correct "
     "Assistant: A<|end_of_turn|>GPT4 Correct User: V<|end_of_turn|>GPT4 Correct Assistant:"),
    ("{{ .System }} {{ .Prompt }} ", " U ", "S U A V "),
]  # fmt: skip
TOOL = {
    "type": "function",
    "function": {
        "name": "f", "description": "<d>",
        "parameters": {
            "type": "object", "required": ["b"],
            "properties": {"b": {"type": "string", "enum": ["x", 1]}, "a": {"type": ["integer", "null"]}},
        },
    },
}  # fmt: skip
THINKER = """{{- range .Messages }}{{ if eq .Role "assistant" }}<a>{{ if .Thinking }}<think>
{{ .Thinking }}
</think>{{ end }}{{ .Content }}{{ else }}{{ .Content }}{{ end }}{{ end }}{{ if .Think }}<think>{{ end }}"""


@pytest.mark.parametrize(("source", "user", "chat"), SHAPES)
def test_well_known_formats(source, user, chat):
    template = chat_template(source)
    assert template.render(USER).replace("\n", "⏎") == user
    assert template.render(CHAT).replace("\n", "⏎") == chat


@pytest.mark.parametrize("source", [CHATML, PHI3, VICUNA])
def test_an_unfinished_answer_is_continued_by_turn_templates_alone(source):
    text = chat_template(source).render([*USER, Message("assistant", "So")])
    assert text.rstrip().endswith("So") is (source != CHATML)


def test_neighbours_of_equal_role_are_merged_but_tools_answers_are_not():
    messages = [Message("user", "1"), Message("user", "2"), Message("user", "3")]
    messages += [Message("tool", "4", tool_name="f"), Message("tool", "5", tool_call_id="c")]
    source = (
        "{{ range .Messages }}[{{ .Role }}:{{ .Content }}{{ .ToolName }}{{ .ToolCallID }}]{{ end }}"
    )
    assert chat_template(source).render(messages) == "[user:1\n\n2\n\n3][tool:4f][tool:5c]"
    assert messages[0].content == "1"


def test_system_texts_are_collected_and_stay_in_the_list():
    messages = [Message("system", "a"), *USER, Message("system", "b")]
    source = "{{ .System }}|{{ range .Messages }}{{ .Content }}{{ end }}"
    assert chat_template(source).render(messages) == "a\n\nb|aUb"


def test_the_cut_after_the_answer_reaches_into_blocks():
    source = "{{ if .Prompt }}<{{ .Prompt }}{{ if 1 }}|{{ .Response }}|end{{ else }}no{{ end }}>{{ end }}!"
    assert chat_template(source).render(CHAT[1:]) == "<U|A|end>!<V|"
    assert (
        chat_template("{{ if .Response }}a{{ end }}{{ .Prompt }}{{ .Response }}z").render(USER)
        == "U"
    )
    assert chat_template("{{ print .Prompt .Response 1 }}z").render(USER) == "U"


def test_tools_print_as_json_whole_or_in_part():
    source = (
        "{{ .Tools }}{{ range .Tools }}\n{{ . }}\n{{ .Function }}\n{{ json .Function.Parameters }}"
    )
    source += "{{ range $k, $v := .Function.Parameters.Properties }}\n{{ $k }}:{{ .Type }}"
    source += ":{{ toTypeScriptType . }}{{ end }}{{ end }}{{ range .Messages }}{{ end }}"
    whole, tool, function, parameters, a, b = (
        chat_template(source).render(USER, tools=[TOOL]).split("\n")
    )
    assert whole == f"[{tool}]"
    assert tool == f'{{"type":"function","function":{function}}}'
    assert function == f'{{"name":"f","description":"\\u003cd\\u003e","parameters":{parameters}}}'
    assert parameters == (
        '{"type":"object","required":["b"],"properties":{"a":{"type":["integer","null"]},'
        '"b":{"type":"string","enum":["x",1]}}}'
    )
    assert (a, b) == ("a:[integer null]:number | null", "b:string:string")
    nothing = "{{ if .Tools }}x{{ end }}{{ len .Tools }}{{ range .Messages }}{{ end }}"
    assert chat_template(nothing).render(USER) == "0"


def test_tool_calls_show_their_arguments_as_json():
    call = {"id": "c1", "function": {"name": "f", "arguments": {"z": 1, "a": "<é>", "n": 2.5}}}
    messages = [*USER, Message("assistant", tool_calls=[call, {"function": {"name": "g"}}])]
    source = "{{ range .Messages }}{{ range .ToolCalls }}{{ .ID }} {{ .Function.Name }}"
    source += "{{ .Function.Arguments }}{{ range $k, $v := .Function.Arguments }}{{ $k }}{{ $v }}{{ end }};"
    source += "{{ end }}{{ end }}"
    assert chat_template(source).render(messages) == (
        'c1 f{"a":"\\u003cé\\u003e","n":2.5,"z":1}a<é>n2.5z1; g{};'
    )
    shown = chat_template("{{ json .Messages }}").render(messages)
    assert json.loads(shown)[1]["tool_calls"][0]["function"]["arguments"]["a"] == "<é>"
    assert '"role":"user","content":"U"}' in shown


def test_a_gap_is_asked_for_with_what_stands_around_it():
    source = "{{ if .Suffix }}<P>{{ .Prompt }}<S>{{ .Suffix }}<M>{{ else }}{{ .Prompt }}{{ end }}"
    template = chat_template(source)
    assert template.render_gap("a", "b") == "<P>a<S>b<M>"
    assert template.render(USER) == "U"
    assert "insert" in template.capabilities


def test_thinking_values():
    source = "{{ .Think }}{{ .IsThinkSet }}{{ .ThinkLevel }}{{ .Prompt }}{{ .Response }}"
    answers = {None: "falsefalseU", False: "falsetrueU", True: "truetrueU", "low": "truetruelowU"}
    for think, expected in answers.items():
        assert chat_template(source).render(USER, think=think) == expected


def test_what_a_template_gives_to_a_model():
    assert chat_template(CHATML).capabilities == ()
    assert chat_template("{{ range $m := $.Messages }}{{ $.tools }}{{ end }}").capabilities == (
        "tools",
    )
    thinker = chat_template(THINKER)
    assert thinker.capabilities == ("thinking",)
    assert thinker.thinking_tags == ("<think>", "</think>")
    outside = "{{ if .Thinking }}<think>{{ .Thinking }}</think>{{ end }}{{ .Messages }}"
    assert chat_template(outside).thinking_tags is None


def test_ollama_refuses_a_call_without_a_value():
    with pytest.raises(TemplateError, match="undefined template specified"):
        chat_template('{{ define "x" }}{{ end }}{{ template "x" }}')


def test_lone_surrogates_cannot_be_put_together():
    parts = "".join(chr(0xDC00 + byte) for byte in "｜".encode())
    assert chat_template(CHATML).render([Message("user", parts)]).count("｜") == 0


def test_the_limits_are_of_all_turns_together():
    chat = [Message(role, "x" * 1_500_000) for role in ("user", "assistant") * 2]
    with pytest.raises(TemplateError, match="output exceeds 4 MiB"):
        chat_template(ALPACA).render(chat)
    assert len(chat_template(ALPACA).render(chat[:2])) > 3_000_000


def test_a_stack_that_is_too_short_for_a_template_is_an_error_of_the_template():
    deep = "{{ if .A }}" * 50 + "{{ else if .B }}" * 70 + "{{ .Response }}" + "{{ end }}" * 50
    template = chat_template(deep)
    for ask in (lambda: template.thinking_tags, lambda: template.render(USER)):
        with pytest.raises(TemplateError, match="nested too deeply"):
            _at_the_end_of_the_stack(ask)


def _at_the_end_of_the_stack(ask):
    try:
        return _at_the_end_of_the_stack(ask)
    except RecursionError:
        return ask()
