"""Values as models write them, and arguments by the types of a schema."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sample_answers import TOOLS

from ollama_nb.prompt.parsers import Call
from ollama_nb.prompt.parsers.literals import Literals, Malformed
from ollama_nb.prompt.parsers.offer import Offer
from ollama_nb.prompt.parsers.python_calls import python_calls
from ollama_nb.prompt.parsers.typed import typed
from ollama_nb.prompt.parsers.values import read_value

plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.text()
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)  # fmt: skip
nonsense = st.lists(
    st.sampled_from([*"{}[]()'\"\\,:=-+.eE0123 ", "true", "None", "f(", "a=", "\\u12", "\ud800"])
).map("".join)


@given(plain)
def test_json_and_python_are_read_alike(value):
    assert read_value(json.dumps(value)) == value
    assert read_value(repr(value)) == value
    assert Literals(json.dumps(value)).value() == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{a: 1, b: 'x',}", {"a": 1, "b": "x"}),
        ("{'a': (1, 2)}", {"a": [1, 2]}),
        ('"a\nb"', "a\nb"),
        (r"'it\'s \d \x41 \ud83d\ude00'", "it's \\d A 😀"),
        ('"""a "b" c"""', 'a "b" c'),
        ('{"a": "\\ud83d"}', {"a": "?"}),
        ("{1: 2}", {"1": 2}),
    ],
)
def test_what_models_write_instead_of_json_is_read(text, value):
    assert read_value(text) == value


@pytest.mark.parametrize(
    "text", ["", "{", "[1", "{a}", "a", "1 2", "NaN", "1e999", "[" * 5000, "9" * 5000, "'", "f()"]
)
def test_what_is_no_value_is_refused(text):
    with pytest.raises(Malformed):
        read_value(text)


def test_closing_brackets_may_be_missing_if_told_so():
    assert read_value('{"a": [1, {"b": 2', ends=True) == {"a": [1, {"b": 2}]}
    with pytest.raises(Malformed):
        read_value('{"a": "b', ends=True)


@given(nonsense, st.booleans())
def test_nonsense_is_a_value_or_malformed(text, ends):
    try:
        value = read_value(text, ends=ends)
    except Malformed:
        return
    assert json.loads(json.dumps(value, allow_nan=False)) == value


@given(nonsense)
def test_nonsense_has_no_calls_but_known_ones(text):
    items = python_calls(f"ping({text}", Offer(TOOLS))
    assert all(isinstance(item, str) or item.name == "ping" for item in items)


@pytest.mark.parametrize(
    ("text", "items"),
    [
        ("add(1, b=2)", [Call("add", {"a": 1, "b": 2})]),
        ("[ping(), nobody(x=1)]", [Call("ping", {}), "nobody(x=1)"]),
        ("tools.ping()", [Call("ping", {})]),
        ("print(ping())", [Call("ping", {})]),
        ("ping(1)", []),
        ("add(1, a=2)", []),
        ("ping", []),
        ("ping() is it", []),
        ("print(" * 5000, []),
    ],
)
def test_calls_in_python_are_read(text, items):
    assert python_calls(text, Offer(TOOLS)) == items


@pytest.mark.parametrize(
    ("text", "types", "value"),
    [
        ("3", {"integer"}, 3),
        ("3.0", {"integer"}, 3),
        ("3", {"string"}, "3"),
        ("3", set(), "3"),
        ("3.5", {"integer"}, "3.5"),
        (" 3.5 ", {"number"}, 3.5),
        ("true", {"boolean"}, True),
        ("True", {"boolean"}, True),
        ("true", {"integer"}, "true"),
        ("null", {"integer", "null"}, None),
        ("null", {"string"}, "null"),
        ("null", {"integer", "string"}, "null"),
        ("[1]", {"array"}, [1]),
        ("[1]", {"object"}, "[1]"),
        ("{'a': 1}", {"object"}, {"a": 1}),
        ("x", {"number", "string"}, "x"),
        ("7", {"number", "string"}, 7),
    ],
)
def test_a_bare_argument_has_the_type_of_the_schema(text, types, value):
    read = typed(text, frozenset(types))
    assert read == value
    assert type(read) is type(value)


def test_odd_tools_offer_nothing_and_break_nothing():
    properties = {"b": {"type": [1, None], "anyOf": 3}, "c": None}
    whole = {"function": {"name": "a", "parameters": {"properties": properties}}}
    odd = [{}, {"function": None}, {"function": {"name": 3}}, whole]
    offer = Offer(odd)
    assert offer.names == ["a"]
    assert offer.types("a", "b") == offer.types("a", "c") == offer.types("x", "y") == frozenset()
