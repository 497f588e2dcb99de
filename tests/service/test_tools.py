"""Which tools may be called, and what a call that must be made obeys."""

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ollama_nb.errors import BadRequest
from ollama_nb.prompt.parsers import Call
from ollama_nb.service.call_ids import CallIds
from ollama_nb.service.tools import call_schema, chosen_tools, offered_tools
from ollama_nb.wire import Tool, ToolFunction
from ollama_nb.wire.schema import answer_schema

CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
POINT = {
    "$defs": {"point": {"type": "object", "properties": {"x": {"type": "integer"}}}},
    "properties": {"from": {"$ref": "#/$defs/point"}, "to": {"$ref": "#/$defs/point"}},
}


def tool(name, parameters=None):
    return Tool(function=ToolFunction(name=name, description="It.", parameters=parameters))


def offered(*tools):
    return offered_tools(tools)


def test_tools_are_told_as_they_came_with_their_type():
    assert offered(tool("weather", CITY)) == [
        {
            "type": "function",
            "function": {"name": "weather", "description": "It.", "parameters": CITY},
        }
    ]


@pytest.mark.parametrize(
    ("parameters", "place"),
    [
        ({"properties": 1}, "$.properties"),
        ({"properties": {"a": 1}}, "$.properties"),
        ({"required": "a"}, "$.required"),
        ({"properties": {"a": {"type": 5}}}, "type"),
        ({"properties": {"a": {"anyOf": 5}}}, "anyOf"),
    ],
)
def test_what_is_no_schema_is_named(parameters, place):
    with pytest.raises(BadRequest) as caught:
        offered(tool("fine"), tool("bad", parameters))
    assert "tools[1].function.parameters" in str(caught.value)
    assert place in str(caught.value)


def test_a_tool_needs_a_name():
    with pytest.raises(BadRequest, match=r"tools\[0\].function.name is required"):
        offered(tool(""))


def test_a_choice_says_which_tools_and_whether_one_must_be_called():
    tools = offered(tool("a"), tool("b"))
    assert chosen_tools(tools, None) == (tools, False)
    assert chosen_tools(tools, "auto") == (tools, False)
    assert chosen_tools(tools, "none") == ((), False)
    assert chosen_tools(tools, "required") == (tools, True)
    for named in ({"type": "function", "function": {"name": "b"}}, {"name": "b"}):
        assert chosen_tools(tools, named) == (tools[1:], True)


@pytest.mark.parametrize("choice", ["any", 5, True, [], {}, {"function": 5}, {"name": 5}])
def test_what_is_no_choice_is_refused(choice):
    with pytest.raises(BadRequest, match="invalid tool_choice"):
        chosen_tools(offered(tool("a")), choice)


def test_a_choice_of_what_is_not_there_is_refused():
    with pytest.raises(BadRequest, match='"c", which is not among the tools'):
        chosen_tools(offered(tool("a")), {"name": "c"})
    with pytest.raises(BadRequest, match="no tools are offered"):
        chosen_tools((), "required")


@pytest.mark.parametrize("tools", [[tool("go", POINT)], [tool("stay", CITY), tool("go", POINT)]])
def test_the_schema_of_a_call_keeps_what_parameters_refer_to(tools):
    schema = answer_schema(call_schema(offered(*tools), "arguments"))
    good = {"name": "go", "arguments": {"from": {"x": 1}, "to": {"x": 2}}}
    jsonschema.validate(good, schema)
    for bad in (
        {"name": "go", "arguments": {"from": {"x": "one"}}},
        {"name": "run", "arguments": {}},
        {"name": "go"},
    ):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(bad, schema)


@given(st.lists(st.integers(0, 2**31 - 1)), st.integers(0, 50), st.text())
def test_a_call_has_the_same_name_each_time_and_one_that_clients_know(prompt, index, name):
    call = Call(name, {"a": [1, None, {"b": "é"}]})
    ids = CallIds(prompt)
    first = ids.name(index, call)
    assert first == CallIds(prompt).name(index, call) == ids.name(index, call)
    assert first.startswith("call_")
    assert len(first) == 13
    assert first[5:].isalnum()
    assert first != ids.name(index + 1, call)
    assert first != CallIds([*prompt, 1]).name(index, call)


def test_values_that_look_like_references_stay_as_they_are():
    schema = call_schema(
        offered(tool("go", {"properties": {"a": {"enum": [{"$ref": "#x"}]}}})), "arguments"
    )
    assert schema["properties"]["arguments"]["properties"]["a"] == {"enum": [{"$ref": "#x"}]}


def test_a_property_may_be_called_as_a_keyword_is():
    parameters = {
        "$defs": {"enum": {"type": "null"}},
        "properties": {"enum": {"$ref": "#/$defs/enum"}},
    }
    schema = call_schema(offered(tool("go", parameters)), "arguments")
    enum = schema["properties"]["arguments"]["properties"]["enum"]
    assert enum == {"$ref": "#/properties/arguments/$defs/enum"}


def test_arguments_are_an_object_whatever_the_tool_says():
    schema = call_schema(offered(tool("go", {"type": "array"})), "arguments")
    assert schema["properties"]["arguments"]["type"] == "object"


def test_a_property_may_be_anything():
    assert offered(tool("go", {"properties": {"a": True, "b": {"anyOf": [False, {}]}}}))
