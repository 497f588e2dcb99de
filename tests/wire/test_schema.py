"""``format``: what it may be, and what of a schema reaches the engine."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ollama_nb.errors import BadRequest, InvalidFormat
from ollama_nb.wire.schema import answer_schema, nodes

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner),
)


@pytest.mark.parametrize("value", [None, ""])
def test_no_format_is_no_constraint(value):
    assert answer_schema(value) is None


def test_json_is_any_object():
    assert answer_schema("json") == {"type": "object"}


@pytest.mark.parametrize("value", ["xml", 3, True, ["json"], "JSON"])
def test_anything_else_is_no_format(value):
    with pytest.raises(InvalidFormat):
        answer_schema(value)


@given(st.dictionaries(st.text(max_size=5), json_values))
def test_any_object_is_taken_or_refused_in_words(value):
    with contextlib.suppress(BadRequest):
        json.dumps(answer_schema(value))


@given(json_values)
def test_every_node_is_found_by_its_pointer(value):
    value = value if isinstance(value, dict | list) else [value]
    for pointer, node in nodes(value):
        found = value
        for part in pointer.split("/")[1:]:
            key = part.replace("~1", "/").replace("~0", "~")
            found = found[int(key)] if isinstance(found, list) else found[key]
        assert found is node


@pytest.mark.parametrize(
    ("schema", "named"),
    [
        ({"type": "array", "maxItems": 10**6}, "#/maxItems"),
        ({"properties": {"a": {"maxLength": 5000}}}, "#/properties/a/maxLength"),
        ({"enum": list(range(6000))}, "#/enum"),
        ({"properties": {f"p{n}": {} for n in range(1001)}}, "#/properties"),
        ({"$ref": "http://example.org/schema"}, r"#/\$ref"),
        ({"const": "x" * 300_000}, "KiB"),
    ],
)
def test_what_is_too_large_is_pointed_at(schema, named):
    with pytest.raises(BadRequest, match=named):
        answer_schema(schema)


def test_what_is_too_deep_is_refused():
    schema = {}
    for _ in range(100):
        schema = {"items": schema}
    with pytest.raises(BadRequest, match="deeper than 64"):
        answer_schema(schema)


def test_formats_that_are_not_enforced_are_remarks_but_values_stay():
    schema = {
        "properties": {"enum": {"type": "string", "format": "path"}, "d": {"format": "date"}},
        "const": {"format": "path"},
    }
    assert answer_schema(schema) == {
        "properties": {"enum": {"type": "string"}, "d": {"format": "date"}},
        "const": {"format": "path"},
    }
