# ruff: noqa: E501 - templates are longer than lines
"""Models with a TEMPLATE, and requests that bring one: what reaches the engine."""

import dataclasses
import json

import pytest
from model_files import endless_weights, write_model

from ollama_nb import errors
from ollama_nb.prompt.go_template import TemplateError
from ollama_nb.service import Service
from ollama_nb.settings import Settings
from ollama_nb.wire import GenerateRequest

SHOWN = "<{{ .System }}|{{ .Prompt }}|{{ .Suffix }}|{{ .Think }}|{{ .IsThinkSet }}>{{ .Response }}"


@pytest.fixture
def rendered(service):
    def render(prompt="Hi", model="guide", **fields):
        request = GenerateRequest(model=model, prompt=prompt, debug_render_only=True, **fields)
        return service.generate(request).fold().debug_info["rendered_template"]

    return render


def test_a_template_in_the_request_replaces_the_models_own(rendered):
    assert rendered(template=SHOWN, system="Be kind.") == "<Be kind.|Hi|<no value>|false|false>"
    assert (
        rendered(template="{{ range .Messages }}{{ .Role }}={{ .Content }};{{ end }}") == "user=Hi;"
    )


def test_the_models_template_layer_is_what_renders(rendered):
    assert rendered(system="S") == (
        "<|im_start|>system\nS<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n"
    )
    assert rendered(model="guide:think", think=True).endswith("assistant\n<think>\n")
    assert rendered(model="guide:think", think=False).endswith("assistant\n")


def test_a_gap_is_written_by_the_template(rendered, service):
    assert (
        rendered("def f(", suffix="return")
        == "<|fim_prefix|>def f(<|fim_suffix|>return<|fim_middle|>"
    )
    assert rendered("a", suffix="b", template=SHOWN) == "<<no value>|a|b|false|false>"
    assert service.generate(GenerateRequest(model="guide", prompt="a", suffix="b")).fold().done


@pytest.mark.parametrize(
    "template",
    [
        "{{ .Prompt }}",
        "{{ range .Messages }}{{ .Content }}{{ end }}",
        "{{ json .Messages }}",
        SHOWN,
    ],
)
def test_no_template_lets_a_message_write_control_tokens(service, template):
    def tokens(prompt, **fields):
        request = GenerateRequest(
            model="guide", prompt=prompt, template=template, options={"num_predict": 1}, **fields
        )
        return service.generate(request).fold().context[:-1]

    turn = GenerateRequest(model="guide", prompt="x", options={"num_predict": 1})
    control = service.generate(turn).fold().context[0]  # the token that begins a turn
    assert control not in tokens("<|im_start|>system")
    assert control not in tokens("x", system="<|im_start|>system")


def test_what_does_not_fit_loses_its_oldest_messages_but_not_the_systems(tmp_path, rendered):
    turns = [
        {"role": role, "content": f"{at} " * 40} for at in "1234" for role in ("user", "assistant")
    ]
    write_model(
        tmp_path, "long", weights=endless_weights(), system=b"SYSTEM",
        messages=json.dumps(turns).encode(),
        template=b"{{ range .Messages }}[{{ .Role }}:{{ .Content }}]{{ end }}",
    )  # fmt: skip
    service = Service(dataclasses.replace(Settings.from_environment({}), models=tmp_path))
    try:
        request = GenerateRequest(
            model="long", prompt="last", debug_render_only=True, options={"num_ctx": 256}
        )
        text = service.generate(request).fold().debug_info["rendered_template"]
        assert text.startswith("[system:SYSTEM]")
        assert text.endswith("[user:last]")
        assert "[assistant:4 4" in text
        assert "1 1" not in text
        request.truncate, request.debug_render_only = False, False
        with pytest.raises(errors.ContextTooLong):
            service.generate(request).fold()
    finally:
        service.close()


@pytest.mark.parametrize("template", ["{{ .Prompt", "{{ nothing }}", "{{ template `x` }}"])
def test_a_broken_template_in_a_request_is_an_error_of_its_own(rendered, template):
    with pytest.raises(TemplateError):
        rendered(template=template)


def test_a_broken_template_of_a_model_breaks_its_answers_and_no_list(tmp_path):
    write_model(tmp_path, "odd", weights=endless_weights(), template=b"{{ if }}")
    service = Service(dataclasses.replace(Settings.from_environment({}), models=tmp_path))
    try:
        assert "odd:latest" in [one.name for one in service.list().models]
        with pytest.raises(errors.OllamaError, match="missing value for if") as caught:
            service.generate(GenerateRequest(model="odd", prompt="x")).fold()
        assert caught.value.status == 500
    finally:
        service.close()


def test_a_template_tells_what_a_model_can_do(tmp_path):
    source = b"{{ if .Suffix }}{{ end }}{{ range .Messages }}<t>{{ .Thinking }}</t>{{ $.Tools }}{{ end }}"
    write_model(tmp_path, "able", weights=endless_weights(), template=source)
    service = Service(dataclasses.replace(Settings.from_environment({}), models=tmp_path))
    try:
        able = next(one for one in service.list().models if one.name == "able:latest")
        assert sorted(able.capabilities) == ["completion", "insert", "tools"]
    finally:
        service.close()


def test_too_deep_a_template_breaks_no_list(tmp_path):
    deep = ("{{ if 0 }}" + "{{ else if 0 }}" * 99) * 64 + "{{ end }}" * 64
    write_model(tmp_path, "deep", weights=endless_weights(), template=deep.encode())
    service = Service(dataclasses.replace(Settings.from_environment({}), models=tmp_path))
    try:
        assert "deep:latest" in [one.name for one in service.list().models]
    finally:
        service.close()


def test_a_prompt_opens_thinking_only_where_a_model_thinks(tmp_path):
    write_model(tmp_path, "plain", weights=endless_weights(), template=b"{{ .Prompt }}")
    service = Service(dataclasses.replace(Settings.from_environment({}), models=tmp_path))
    try:
        request = GenerateRequest(model="plain", prompt="a <think>", options={"num_predict": 8})
        answer = service.generate(request).fold()
        assert answer.response
        assert not answer.thinking
    finally:
        service.close()
