"""``format``: what it may be, and what of a schema reaches the engine."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ollama_nb.errors import BadRequest, InvalidFormat
from ollama_nb.wire.schema import answer_schema
from ollama_nb.wire.schema_nodes import nodes, schemas

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
        ({"enum": [{"a": n} for n in range(2001)]}, "2000 .*#/enum"),
        ({"anyOf": [{"enum": [[n] for n in range(1500)]}] * 2}, "2000 .*#/anyOf/1/enum"),
        ({"const": [[n] for n in range(2001)]}, "2000 .*#/const"),
        ({"anyOf": [{"required": [f"p{n}"]} for n in range(2001)]}, "2000 .*#/anyOf"),
        (
            {
                "properties": {
                    n: {"patternProperties": {f"^{k}_": {} for k in range(51)}} for n in "ab"
                }
            },
            "100 .*#/properties/b/patternProperties",
        ),
        # Both compile for over twenty seconds.
        ({"multipleOf": 1000003}, "65535 .*#/multipleOf"),
        ({"properties": {n: {"multipleOf": 40_000 + ord(n)} for n in "ab"}}, "65535"),
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


@pytest.mark.parametrize(
    ("schema", "named"),
    [
        # Bounds that are let through: 0 for the first, 1 for the second, -0 for the third.
        ({"exclusiveMinimum": 0, "maximum": 0.5}, "exclusiveMinimum .*#/exclusiveMinimum"),
        ({"type": "number", "exclusiveMinimum": 1, "exclusiveMaximum": 1.5}, "#/exclusiveMinimum"),
        ({"items": {"minimum": -1e-7, "exclusiveMaximum": 0}}, "#/items/exclusiveMaximum"),
        ({"minimum": 0, "exclusiveMinimum": True, "maximum": 0.5}, "#/exclusiveMinimum"),
        ({"allOf": [{"exclusiveMinimum": 0}, {"maximum": 0.5}]}, "#/allOf/0/exclusiveMinimum"),
        # Numbers that are rounded to others.
        ({"const": 2**53 + 1}, r"2\*\*53 .*#/const"),
        ({"enum": [1, {"a": [-(2**53) - 1]}]}, "#/enum"),
        ({"minimum": 1e17}, "#/minimum"),
        ({"exclusiveMaximum": -1e17}, "#/exclusiveMaximum"),
        ({"multipleOf": 2**60}, "#/multipleOf"),
        # Their least common multiple overflows.
        ({"allOf": [{"multipleOf": 65535}, {"multipleOf": 65537}]}, "#/allOf/./multipleOf"),
        ({"allOf": [{"multipleOf": 1e-10}, {"multipleOf": 5}]}, "#/allOf/./multipleOf"),
        ({"multipleOf": 0}, "#/multipleOf"),
        ({"multipleOf": -2}, "#/multipleOf"),
        # A key that is written twice counts twice.
        ({"minProperties": 2}, "#/minProperties"),
        ({"minProperties": 3, "required": ["a", "b", "b"]}, "#/minProperties"),
        # Control characters that only an escape can write.
        ({"const": "a\u0001b"}, "control .*#/const"),
        ({"enum": ["ok", {"k": ["\x7f"]}]}, "control .*#/enum"),
        ({"const": {"a\x7f": 1}}, "control .*#/const"),
        ({"properties": {"a\u0001b": {}}}, "control .*#/properties"),
        ({"required": ["\0"]}, "control .*#/required"),
        # References that never arrive: answers ended in the middle.
        ({"$ref": "#"}, "itself at #"),
        ({"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/a"}}}, "itself at #/[$]defs/a"),
        ({"items": {"anyOf": [{"$ref": "#x"}, {}], "$anchor": "x"}}, "itself at #/items"),
    ],
)  # fmt: skip
def test_what_would_not_be_kept_is_refused_by_name(schema, named):
    with pytest.raises(BadRequest, match=f"^invalid format: .*{named}"):
        answer_schema(schema)


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "integer", "exclusiveMinimum": 0, "maximum": 0.5},
        {"exclusiveMinimum": 0, "maximum": 1},
        {"exclusiveMinimum": 0.2, "maximum": 0.5},
        {"minimum": 0, "exclusiveMaximum": 0.5},
        {"properties": {"a": {"exclusiveMinimum": 0}, "b": {"maximum": 0.5}}},
        {"const": 2**53, "minimum": -(2**53), "maximum": 2.0**53},
        {"properties": {n: {"multipleOf": 10_000} for n in "abcdef"}},
        {"allOf": [{"multipleOf": 0.01}, {"multipleOf": 5}, {"multipleOf": 60}]},
        {"minProperties": 1},
        {"minProperties": 2, "required": ["a", "b"]},
        {"const": "\b\t\n\f\r", "default": "\x01", "description": "\x1b[0m"},
        {"pattern": r"^[\x00-\x7f]\x01$", "patternProperties": {"\x01": {}}},
        {"$defs": {"a": {"items": {"$ref": "#/$defs/a"}}}, "anyOf": [{"$ref": "#/$defs/a"}]},
        {"enum": [{"a": n} for n in range(2000)]},
        {"enum": list(range(5000))},
        {"anyOf": [{"$ref": "#/$defs/default"}], "$defs": {"default": {"type": "string"}}},
    ],
)  # fmt: skip
def test_what_is_kept_is_taken_as_it_stands(schema):
    assert answer_schema(schema) == schema


@pytest.mark.parametrize("keyword", ["const", "enum", "default", "examples"])
def test_values_are_no_schemas(keyword):
    value = [
        {"maxItems": 10**6, "$ref": "x", "minProperties": 5, "format": "path", "pattern": "\\x01"}
    ]
    schema = {"properties": {keyword: {"type": "integer"}}, keyword: value}
    assert answer_schema(schema) == schema


@pytest.mark.parametrize(
    "reference", ["#/default", "#/properties/a/const", "#/enum/0", "#/x/ex%61mples"]
)
def test_a_reference_into_a_value_is_refused(reference):
    with pytest.raises(BadRequest, match=r"#/properties/b/\$ref"):
        answer_schema({"default": {"maxItems": 10**9}, "properties": {"b": {"$ref": reference}}})


def test_names_of_properties_are_no_keywords():
    names = ("maxItems", "$ref", "$schema", "pattern", "minProperties", "multipleOf", "enum", "not")
    schema = {"properties": {name: {"type": "string"} for name in names}}
    assert answer_schema(schema) == schema
    assert [at for at, _ in schemas(schema)] == ["", *(f"/properties/{name}" for name in names)]


def test_whole_floats_are_counts():
    schema = {"minItems": 2.0, "items": {"maxLength": 3.0, "const": {"minItems": 2.0}}}
    mended = answer_schema(schema)
    assert json.dumps(mended) == (
        '{"minItems": 2, "items": {"maxLength": 3, "const": {"minItems": 2.0}}}'
    )
    assert json.dumps(schema).startswith('{"minItems": 2.0')


@pytest.mark.parametrize(
    "dialect", [5, "http://example.org/schema", "http://json-schema.org/draft-03/schema#"]
)
def test_an_unknown_dialect_is_refused(dialect):
    with pytest.raises(BadRequest, match=r"^invalid format: .*#/items/\$schema"):
        answer_schema({"items": {"$schema": dialect}})


@pytest.mark.parametrize(
    "dialect",
    ["https://json-schema.org/draft/2020-12/schema", "http://json-schema.org/draft-07/schema#"],
)
def test_known_dialects_are_taken(dialect):
    assert answer_schema({"$schema": dialect}) == {"$schema": dialect}


@pytest.mark.parametrize(
    ("schema", "named"),
    [
        ({"const": "\ud800"}, "#/const"),
        ({"properties": {"\udfff": {}}}, "#/properties"),
        ({"title": "\ud800"}, "#/title"),
        ({"required": ["a", "\ud800"]}, "#/required/1"),
        ({"default": [float("nan")]}, "#/default/0"),
        ({"const": float("inf")}, "#/const"),
        ({"x": 10**5000}, "#/x"),
    ],
)
def test_what_json_cannot_carry_is_pointed_at(schema, named):
    with pytest.raises(BadRequest, match=f"^invalid format: .*at {named}$") as refused:
        answer_schema(schema)
    str(refused.value).encode()
