"""{{ expression }} is replaced; everything else is the user's text, byte for byte."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ollama_nb.errors import UsageProblem
from ollama_nb.magics.interpolation import interpolate

SPICY = st.text(alphabet="{}\\ \nax'\":,1[]()", max_size=40)


def problem(text, **namespace):
    with pytest.raises(UsageProblem) as caught:
        interpolate(text, namespace)
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hello {{ name }}!", "Hello Ada!"),
        ("{{name}}{{ name }}", "AdaAda"),
        ("{{ name.upper() }} and {{ 1 + 1 }}", "ADA and 2"),
        ("{{ {'a': {'b': 1}} }}", "{'a': {'b': 1}}"),
        ("{{ '}}' }} {{ '{{' }}", "}} {{"),
        ("{{ [n for n in range(3) if n < len(name)] }}", "[0, 1, 2]"),
        ("{{ f'{name}' }}", "Ada"),
        (r"\{{ name }} is literal", "{{ name }} is literal"),
        (r"{{ 'C:\\' + name }}", "C:\\Ada"),
        ("{{ name }}\n{{\nname }}", "Ada\n{{\nname }}"),
    ],
)
def test_expressions_are_put_in(text, expected):
    assert interpolate(text, {"name": "Ada"}) == expected


@pytest.mark.parametrize(
    "text",
    [
        '{"a": {"b": {}}}',
        "def f(): return {x: {y} for x, y in {}}",
        "f'{x}' %s $x ${x} {x!r}",
        "style={{}} and {{ }}",
        "void f() {{\n}}",
        "opened {{ and never closed",
        "closed }} and never opened",
        "{% for x in y %}",
        "",
    ],
)
def test_other_braces_are_left_alone(text):
    assert interpolate(text, {}) == text


def test_unknown_names_are_named():
    text = problem("{{ nme }}", name="Ada")
    assert "{{ nme }}" in text
    assert "'nme' is not defined" in text
    assert r"\{{" in text


def test_what_is_no_expression_is_shown():
    assert problem("a {{ 1 + }} b").startswith("{{ 1 + }} is not a Python expression")
    assert "{{ x = 1 }}" in problem("{{ x = 1 }}")
    assert "is not a Python expression" in problem("{{ \0 }}")


def test_failing_expressions_tell_why():
    assert problem("{{ 1/0 }}") == "{{ 1/0 }} failed: ZeroDivisionError: division by zero"


def test_the_namespace_is_not_changed():
    namespace = {"x": 1}
    assert interpolate("{{ (y := x) }}", namespace) == "1"
    assert namespace == {"x": 1}


@given(SPICY | st.text())
def test_text_without_double_braces_is_untouched(text):
    text = text.replace("{{", "{")
    while "{{" in text:
        text = text.replace("{{", "{")
    assert interpolate(text, {}) == text


@given(SPICY | st.text())
def test_escaping_every_double_brace_gives_the_text_back(text):
    assert interpolate(text.replace("{{", "\\{{"), {}) == text


@given(st.recursive(st.integers() | st.text(max_size=5), st.lists), SPICY)
def test_values_go_in_as_they_are(value, around):
    around = around.replace("{", "(")
    text = f"{around}{{{{ value }}}}{around}"
    if not around.endswith("\\"):
        assert interpolate(text, {"value": value}) == f"{around}{value}{around}"


KEYS = st.text(max_size=3).filter(lambda key: "{{" not in key)


@given(st.dictionaries(KEYS, st.dictionaries(KEYS, st.integers())))
def test_json_is_never_an_expression(value):
    text = json.dumps(value)
    assert interpolate(text, {}) == text


@given(SPICY)
def test_nothing_but_usage_problems_is_raised(text):
    with contextlib.suppress(UsageProblem):
        assert isinstance(interpolate(text, {"x": 1, "a": [1]}), str)
