# ruff: noqa: E501 - templates are longer than lines
"""Templates that would never end, fill the memory or the stack (rule S21; faults, section 5)."""

import time
from contextlib import suppress

import pytest
from go_templates import DATA, Templates
from hypothesis import given, settings
from hypothesis import strategies as st

from ollama_nb.prompt.go_template import Template, TemplateError, parse_template
from ollama_nb.prompt.go_template.tree import nodes_text

WORDS = st.sampled_from(
    ["{{", "}}", "{{-", "-}}", "if", "else", "end", "range", "with", "define", "template", "block", "break", ":=", "=", "|", "(", ")", ".", "$", "$x", ".a", ".b.c", '"s"', "`r`", "'c'", "1", "-2.5", "0x", "nil", "true", "and", "or", "not", "eq", "len", "index", "slice", "printf", "print", "json", "/*", "*/", ",", "\n", "é"]
)  # fmt: skip


@pytest.mark.parametrize(
    ("source", "error"),
    [
        ("{{ range 1000000000 }}{{ end }}", "not done after"),
        ("{{ range 9999 }}{{ range 9999 }}{{ range 9999 }}{{ end }}{{ end }}{{ end }}", "not done"),
        ("{{ range 1000 }}" + "x" * 5000 + "{{ end }}", "output exceeds 4 MiB"),
        ("{{ $x := `0123456789` }}{{ range 99 }}{{ $x = print $x $x }}{{ end }}", "exceeds 4 MiB"),
        ("{{ $x := `&` }}{{ range 99 }}{{ $x = html $x $x }}{{ end }}", "exceeds 4 MiB"),
        ("{{ printf `" + "%999999d" * 9 + "` 1 1 1 1 1 1 1 1 1 }}", "longer than 4 MiB"),
        ("{{ if 1 }}" * 65 + "{{ end }}" * 65, "nested more than 64 deep"),
        ("{{ " + "(" * 65 + "1" + ")" * 65 + " }}", "nested more than 64 deep"),
        ("{{ if 0 }}" + "{{ else if 0 }}" * 200 + "{{ end }}", "more than 100 times else if"),
        ("x" * (1 << 20) + "x", "longer than 1 MiB"), ("{{ .a }}" * 99_999, "more than 50000 tokens"),
        ("{{" * 400_000, "unexpected"), ('{{ "' + "\\a" * 99_999 + '" }}', "too long"),
        ('{{ define "a" }}{{ template "b" . }}{{ end }}{{ define "b" }}{{ template "a" . }}'
         '{{ template "a" . }}{{ end }}{{ template "a" . }}', "exceeded maximum template depth (64)"),
        ('{{ define "R" }}' + "{{ if 1 }}" * 60 + '{{ template "R" . }}' + "{{ end }}" * 61
         + '{{ template "R" . }}', "nested too deeply"),
    ],
)  # fmt: skip
def test_a_bomb_is_refused_in_time(source, error):
    started = time.thread_time()  # what else the machine does is not counted
    with pytest.raises(TemplateError) as caught:
        parse_template(source).render({})
    assert error in str(caught.value)
    assert time.thread_time() - started < 20


LENGTHS = " ".join(["(lt (len $.Prompt) 0)"] * 60)


@pytest.mark.parametrize(
    "body",
    [
        "{{ if or " + LENGTHS + " }}{{ end }}", "{{ or " + "0 " * 9_000 + "}}",
        "{{ if $" + ".x" * 9_000 + " }}{{ end }}", "{{ $.Prompt | len }}", "{{ index $.Prompt 0 }}",
        "{{ slice $.Prompt 0 1 }}", "{{ ge $.Prompt $.Prompt }}", "{{ printf `%.0x` $.Prompt }}",
    ],
)  # fmt: skip
def test_calls_are_paid_for_by_what_they_are_given(body):
    template = parse_template("{{ range 100000 }}" + body + "{{ end }}")
    data = {"Prompt": "é" * 1_000_000}
    data["x"] = data
    started = time.thread_time()
    with pytest.raises(TemplateError, match="not done after"):
        template.render(data)
    assert time.thread_time() - started < 20


def test_one_call_may_read_a_long_text():
    text = "é" * 1_000_000
    assert parse_template("{{ if gt (len .a) 9 }}{{ .a }}{{ end }}").render({"a": text}) == text


@pytest.mark.parametrize("word", ["if", "with"])
def test_each_else_if_counts_as_depth(word):
    arms = f"{{{{ else {word} 0 }}}}"
    with pytest.raises(TemplateError, match="nested more than 128 deep"):
        parse_template((f"{{{{ {word} 0 }}}}" + arms * 99) * 64 + "{{ end }}" * 64)
    chain = f"{{{{ {word} 0 }}}}{arms * 99}{{{{ end }}}}"
    assert parse_template(chain * 9).render({}) == ""


def test_wide_templates_are_no_bombs():
    assert parse_template("{{ .a }}" * 5_000).render({"a": "x"}) == "x" * 5_000
    source = "{{ if 0 }}" + "{{ else if 0 }}" * 99 + "{{ else }}y{{ end }}"
    assert parse_template(source).render({}) == "y"


@given(st.lists(WORDS, max_size=40).map(" ".join))
@settings(deadline=None)
def test_whatever_the_words_a_template_renders_or_says_why_not(source):
    with suppress(TemplateError):
        assert isinstance(parse_template(source).render(DATA), str)


@given(st.text(max_size=60).map(lambda text: "{{" + text + "}}"))
@settings(deadline=None)
def test_whatever_the_text_inside_the_braces_too(source):
    with suppress(TemplateError):
        parse_template(source).render(DATA)


@given(st.text())
def test_text_without_braces_is_itself(text):
    if "{{" not in text:
        assert parse_template(text).render({}) == text.encode("utf-8", "replace").decode()


@given(st.integers(0, 10**9))
@settings(deadline=None)
def test_a_tree_written_out_is_the_same_tree(seed):
    source = Templates(seed).template()
    try:
        template = parse_template(source)
        written = nodes_text(template.root)
        again = parse_template(written)
    except TemplateError:
        return
    assert nodes_text(again.root) == written
    if "break" not in source and "continue" not in source:
        assert _result(again.with_root(again.root), template) == _result(template, template)


def _result(template: Template, defines: Template) -> str:
    """The rendering with the same parts, or that it fails."""
    try:
        return Template(template.source, {**defines.trees, "": template.root}).render(DATA)
    except TemplateError as error:
        return error.detail.rpartition(">: ")[2]
