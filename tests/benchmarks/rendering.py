"""Rendering a chat of 20 messages by a compiled Go template, beside Jinja with the same format.

And what comes before it: reading a long chat out of a request.
"""

import json
import time
from collections.abc import Callable

from ollama_nb.prompt.chat_data import Message
from ollama_nb.prompt.chat_template import chat_template
from ollama_nb.prompt.jinja import render_jinja
from ollama_nb.wire import ChatRequest
from ollama_nb.wire.codec import decode_request

from .table import Rounds, Row

_NUM_MESSAGES = 20
_NUM_RENDERINGS = 200
_AIM_MICROSECONDS = 200
_LONG_CHAT = 200
_PARSED_AIM_MS = 5
_GO = """{{- if .System }}<|im_start|>system
{{ .System }}<|im_end|>
{{ end }}
{{- range $i, $_ := .Messages }}
{{- $last := eq (len (slice $.Messages $i)) 1 }}
{{- if eq .Role "user" }}<|im_start|>user
{{ .Content }}<|im_end|>
{{ else if eq .Role "assistant" }}<|im_start|>assistant
{{ .Content }}{{ if not $last }}<|im_end|>
{{ end }}
{{- end }}
{{- if and $last (ne .Role "assistant") }}<|im_start|>assistant
{{ end }}
{{- end }}"""
_JINJA = """{% for message in messages %}
{{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' }}
{%- endfor %}{{ '<|im_start|>assistant\\n' }}"""


def rendering_rows(*, rounds: int) -> list[Row]:
    """The shortest of many renderings in each round, and of many readings."""
    texts = [f"Message {at}: " + "words " * 30 for at in range(_NUM_MESSAGES)]
    roles = ["system", *(("user", "assistant")[at % 2] for at in range(_NUM_MESSAGES - 1))]
    messages = [Message(role, text) for role, text in zip(roles, texts, strict=True)]
    plain = [{"role": one.role, "content": one.content} for one in messages]
    template = chat_template(_GO)
    if template.render(messages) != render_jinja(_JINJA, {"messages": plain}):
        raise RuntimeError("the two templates do not write the same")
    figures = Rounds()
    for _ in range(rounds):
        figures.note(
            _shortest(lambda: template.render(messages)),
            _shortest(lambda: render_jinja(_JINJA, {"messages": plain})),
        )
    row = figures.time_row("render 20 messages, Go template vs Jinja")
    row.ours = f"{min(figures.ours) * 1e6:,.0f} µs"
    row.other = f"{min(figures.other) * 1e6:,.0f} µs"
    row.aim = f"≤ {_AIM_MICROSECONDS} µs"
    return [row, _parsing_row(rounds)]


def _parsing_row(rounds: int) -> Row:
    """The codec, which looks at every key, beside the standard library's JSON alone."""
    roles = [("user", "assistant")[at % 2] for at in range(_LONG_CHAT)]
    messages = [
        {"role": role, "content": f"{at}: " + "words " * 30} for at, role in enumerate(roles)
    ]
    body = json.dumps({"model": "guide", "messages": messages}).encode()
    figures = Rounds()
    for _ in range(rounds):
        figures.note(
            _shortest(lambda: decode_request(body, ChatRequest)),
            _shortest(lambda: json.loads(body)),
        )
    return figures.time_row(
        f"chat request of {_LONG_CHAT} messages parsed, vs json.loads", f"≤ {_PARSED_AIM_MS} ms"
    )


def _shortest(work: Callable[[], object]) -> float:
    times = []
    for _ in range(_NUM_RENDERINGS):
        before = time.perf_counter()
        work()
        times.append(time.perf_counter() - before)
    return min(times)
