"""What a template writes before a call (models, 6.1)."""

import pytest

from ollama_nb.prompt.go_template import parse_template
from ollama_nb.prompt.go_template.analysis import text_of_call

CALL = '{"name": "{{ .Function.Name }}"}'


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{{ if .ToolCalls }}<tool_call>\n" + CALL + "{{ end }}", '<tool_call>\n{"name": "'),
        ("{{ if .ToolCalls }}\n  {{ range .ToolCalls }}[TOOL_CALLS] [{{ . }}]{{ end }}{{ end }}",
         "[TOOL_CALLS] ["),
        ("{{ range .Messages }}{{ if eq .Role \"user\" }}x{{ else if .ToolCalls }}Action: ```json\n"
         "{{ end }}{{ end }}", "Action: ```json\n"),
        ("{{ if and .Content .Message.ToolCalls }}[{{ end }}", "["),
        ("{{ if .ToolCalls }}{{ with .Content }}{{ . }}{{ end }}<call>{{ end }}", "<call>"),
        ("{{ if .ToolCalls }}{{ .Content }}<call>{{ end }}", ""),
        ("{{ $m := . }}{{ if $m.ToolCalls }}<no>{{ end }}{{ if .ToolCalls }}<yes>{{ end }}",
         "<yes>"),
        ("{{ if (and .ToolCalls .Content) }}<no>{{ end }}", ""),
        ("{{ if .ToolCalls }}<first>{{ end }}{{ if .ToolCalls }}<second>{{ end }}", "<first>"),
        ("{{ if .Tools }}<tools>{{ else }}{{ if .ToolCalls }}<else>{{ end }}{{ end }}", "<else>"),
        ("{{ range .ToolCalls }}<no>{{ end }}", ""),
        ("no tools", ""),
    ],
)  # fmt: skip
def test_the_text_before_the_first_call_is_found(template, text):
    assert text_of_call(parse_template(template)) == text
