"""The Jinja template renders what the corpus was written in."""

import json
import random
from typing import Any

import pytest
from jinja2.sandbox import ImmutableSandboxedEnvironment

from ollama_nb.guide.conversation import Call, Conversation
from ollama_nb.guide.export import TEMPLATES
from ollama_nb.guide.tool_kinds import request

TEXT = (TEMPLATES / "chat.jinja").read_text(encoding="utf-8")
TOOL = {"type": "function", "function": {"name": "now", "description": "Zeit", "parameters": {}}}


def render(messages: list[dict[str, Any]], **more: Any) -> str:
    environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
    environment.filters["tojson"] = lambda value: json.dumps(value, ensure_ascii=False)
    more.setdefault("add_generation_prompt", True)
    return environment.from_string(TEXT).render(messages=messages, **more)


def test_one_question():
    assert render([{"role": "user", "content": "Hi"}]) == (
        "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n"
    )


def test_without_generation_prompt():
    text = render([{"role": "user", "content": "Hi"}], add_generation_prompt=False)
    assert text == "<|im_start|>user\nHi<|im_end|>\n"


def test_thinking_opens_the_tag():
    assert render([{"role": "user", "content": "Hi"}], enable_thinking=True).endswith(
        "<|im_start|>assistant\n<think>\n"
    )


def test_detection_sees_tools_but_no_thinking():
    assert "tools" in TEXT
    assert "<think>" in TEXT
    assert "</think>" not in TEXT


@pytest.mark.parametrize("system", ["", "Be brief."])
@pytest.mark.parametrize("tools", [[], [TOOL], [TOOL, TOOL]])
def test_system_and_tools_as_the_corpus_writes_them(system, tools):
    talk = Conversation()
    talk.system(system, tools)
    talk.user("Hi")
    messages = [{"role": "system", "content": system}] if system else []
    text = render([*messages, {"role": "user", "content": "Hi"}], tools=tools)
    assert text == talk.text() + "<|im_start|>assistant\n"


@pytest.mark.parametrize("as_text", [False, True])
def test_calls_and_results_as_the_corpus_writes_them(as_text):
    calls = [Call("now", {"city": "Köln", "hours": 2}), Call("now", {})]
    talk = Conversation()
    talk.user("When?")
    talk.assistant("\n".join(call.text() for call in calls))
    talk.tool_response("noon")
    talk.assistant("At noon.")
    written = []
    for call in calls:
        arguments = dict(call.arguments)
        shown = json.dumps(arguments, ensure_ascii=False) if as_text else arguments
        written.append({"function": {"name": call.name, "arguments": shown}})
    text = render(
        [
            {"role": "user", "content": "When?"},
            {"role": "assistant", "content": "", "tool_calls": written},
            {"role": "tool", "content": "noon"},
            {"role": "assistant", "content": "At noon."},
        ],
        add_generation_prompt=False,
    )
    assert text == talk.text()


def test_a_second_system_message_keeps_its_place():
    messages = [{"role": r, "content": r} for r in ("system", "user", "assistant", "system")]
    text = render(messages, add_generation_prompt=False)
    assert text == "".join(f"<|im_start|>{m['role']}\n{m['role']}<|im_end|>\n" for m in messages)


def test_reserved_names_are_never_offered_in_training():
    rng = random.Random(5)
    fresh = {request(rng, fresh=True).calls[0].name for _ in range(300)}
    trained = {request(rng, fresh=False).calls[0].name for _ in range(3000)}
    assert len(fresh) > 100
    assert fresh & trained == set()
