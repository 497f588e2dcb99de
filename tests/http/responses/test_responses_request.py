"""Responses requests become chat's: items, parts, tools, options (Ollama API, 14.6)."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ollama_nb.errors import BadRequest
from ollama_nb.http.responses.request import generation_request
from ollama_nb.wire import FunctionCall, Tool, ToolCall, ToolFunction
from ollama_nb.wire.codec import decode_request
from ollama_nb.wire.responses_types import ResponsesRequest

SCHEMA = {"type": "object", "properties": {"City": {"type": "string"}}}
USER = {"role": "user", "content": "hi"}


def translated(input="hi", **fields):
    """As it comes over the wire."""
    body = json.dumps({"model": "m", "input": input} | fields).encode()
    return generation_request(decode_request(body, ResponsesRequest))


def given_options(chat):
    return {name: value for name, value in chat.options.items() if value is not None}


def messages(*items, **fields):
    return translated(list(items), **fields).messages


def parts(*given):
    (message,) = messages({"role": "user", "content": given})
    return message


def called(name="get_weather", arguments='{"City":"Paris"}', **fields):
    named = {"type": "function_call", "call_id": "call_a", "name": name, "arguments": arguments}
    return named | fields


def brought(output, call_id="call_a"):
    return {"type": "function_call_output", "call_id": call_id, "output": output}


def thought(text, **fields):
    return {"type": "reasoning", "summary": [], "encrypted_content": text} | fields


def said(text):
    return {"type": "message", "role": "assistant", "content": [output_text(text)]}


def output_text(text):
    return {"type": "output_text", "text": text, "annotations": []}


def seen(message):
    return (message.role, message.content, message.thinking, bool(message.tool_calls))


def test_the_least_request():
    chat = translated()
    assert [seen(one) for one in chat.messages] == [("user", "hi", "", False)]
    assert given_options(chat) == {"temperature": 1.0}
    assert (chat.model, chat.stream, chat.think, chat.format) == ("m", False, None, None)
    assert (chat.tools, chat.tool_choice, chat.truncate) == ([], None, True)


@pytest.mark.parametrize("nothing", ["", [], None])
def test_without_an_input_the_model_is_only_loaded(nothing):
    assert translated(nothing).messages == []


def test_instructions_come_first():
    first, second = messages(USER, instructions="Be brief.")
    assert (first.role, first.content, second.role) == ("system", "Be brief.", "user")


def test_a_developer_speaks_as_the_system():
    (message,) = messages({"role": "developer", "content": "Be brief."})
    assert message.role == "system"


def test_options():
    assert given_options(translated(max_output_tokens=9, temperature=0, top_p=0.5)) == {
        "num_predict": 9, "temperature": 0, "top_p": 0.5,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("reasoning", "think"),
    [
        (None, None), ({}, None), ({"effort": None}, None), ({"effort": "none"}, False),
        ({"effort": "minimal"}, "low"), ({"effort": "high", "summary": "auto"}, "high"),
        ({"effort": "xhigh"}, "max"),
    ],
)  # fmt: skip
def test_how_much_it_shall_think(reasoning, think):
    assert translated(reasoning=reasoning).think == think


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({"type": "text"}, None),
        ({"type": "json_object"}, "json"),
        ({"type": "json_schema", "name": "x", "strict": True, "schema": SCHEMA}, SCHEMA),
        (None, None),
    ],
)
def test_what_the_answer_shall_look_like(wanted, expected):
    assert translated(text={"format": wanted, "verbosity": "low"}).format == expected


@pytest.mark.parametrize(
    ("truncation", "truncate"), [("disabled", False), ("auto", True), (None, True)]
)
def test_whether_it_may_be_cut(truncation, truncate):
    assert translated(truncation=truncation).truncate is truncate


def test_tools_are_flat_functions():
    tools = [
        {"type": "function", "name": "f", "description": "does f", "parameters": SCHEMA,
         "strict": None},
        {"type": "web_search"},
        {"type": "namespace", "name": "crm", "description": "x", "tools": [
            {"type": "function", "name": "find", "parameters": None},
            {"type": "custom", "name": "other"},
        ]},
    ]  # fmt: skip
    assert translated(tools=tools).tools == [
        Tool(function=ToolFunction(name="f", description="does f", parameters=SCHEMA)),
        Tool(function=ToolFunction(name="crm.find")),
    ]


def test_a_tool_needs_a_name():
    with pytest.raises(BadRequest, match="function tool missing required 'name' field"):
        translated(tools=[{"type": "function", "parameters": {}}])


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (None, None), ("auto", "auto"), ("none", "none"), ("required", "required"),
        ({"type": "function", "name": "f"}, {"type": "function", "function": {"name": "f"}}),
        ({"type": "function", "name": "find", "namespace": "crm"},
         {"type": "function", "function": {"name": "crm.find"}}),
        ({"type": "web_search"}, None), ("any", None),
        ({"type": "allowed_tools", "mode": "required",
          "tools": [{"type": "function", "name": "f"}]}, "required"),
    ],
)  # fmt: skip
def test_which_tool_it_shall_use(choice, expected):
    tools = [{"type": "function", "name": "f"}]
    assert translated(tools=tools, tool_choice=choice).tool_choice == expected


def test_a_choice_can_leave_some_of_the_tools():
    member = {"type": "function", "name": "g"}
    tools = [
        {"type": "function", "name": "f"},
        {"type": "namespace", "name": "n", "tools": [member]},
        member,
    ]
    some = [{"type": "function", "name": "g", "namespace": "n"}, {"type": "mcp"}]
    chat = translated(
        tools=tools, tool_choice={"type": "allowed_tools", "mode": "auto", "tools": some}
    )
    assert [one.function.name for one in chat.tools] == ["n.g"]
    assert chat.tool_choice == "auto"


@pytest.mark.parametrize("choice", ["required", {"type": "function", "name": "f"}])
@pytest.mark.parametrize("tools", [None, [], [{"type": "web_search"}]])
def test_without_tools_there_is_no_choice(tools, choice):
    assert translated(tools=tools, tool_choice=choice).tool_choice is None


def test_parts_of_one_message_are_joined():
    image = {"type": "input_image", "detail": "auto", "image_url": "data:image/png;base64,QUJD"}
    message = parts({"type": "input_text", "text": "a"}, image, {"type": "input_text", "text": "b"})
    assert (message.content, message.images) == ("ab", ["QUJD"])


def test_an_assistants_turn_is_one_message():
    (turn,) = messages(thought("hm"), said("Let me see."), called(), called("now", "", call_id="b"))
    assert seen(turn) == ("assistant", "Let me see.", "hm", True)
    assert turn.tool_calls == [
        ToolCall(
            id="call_a",
            function=FunctionCall(index=0, name="get_weather", arguments={"City": "Paris"}),
        ),
        ToolCall(id="b", function=FunctionCall(index=1, name="now", arguments={})),
    ]


def test_thinking_begins_a_turn():
    turns = messages(
        said("One."), thought("hm"), called(), brought("sunny"), thought("so"), said("Two.")
    )
    assert [seen(one) for one in turns] == [
        ("assistant", "One.", "", False),
        ("assistant", "", "hm", True),
        ("tool", "sunny", "", False),
        ("assistant", "Two.", "so", False),
    ]


def test_two_messages_stay_two():
    assert [one.content for one in messages(said("One."), said("Two."))] == ["One.", "Two."]


def test_a_summary_serves_where_there_is_nothing_else():
    summary = [{"type": "summary_text", "text": text} for text in ("a", "b")]
    (turn,) = messages(thought(None, summary=summary, content=None, status=None))
    assert turn.thinking == "a\n\nb"


def test_a_result_names_its_call():
    *_, one, other = messages(
        called(), called("find", "{}", call_id="b", namespace="crm"), brought("x"),
        brought([{"type": "input_text", "text": "y"}], "b"),
    )  # fmt: skip
    assert (one.role, one.content, one.tool_call_id) == ("tool", "x", "call_a")
    assert (other.content, other.tool_call_id) == ("y", "b")


def test_keys_match_whatever_their_case():
    part = {"Type": "input_text", "TEXT": "hi"}
    (message,) = messages({"Type": "message", "Role": "user", "Content": [part]})
    assert seen(message) == ("user", "hi", "", False)


def test_searches_of_earlier_turns_are_passed_over():
    assert messages({"type": "web_search_call", "id": "ws_1", "status": "completed"}) == []


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (5, "input must be a string or array: got float64"),
        ({}, "input must be a string or array: got map[string]interface {}"),
        ([5], "input items must be objects: got float64"),
        ([{"content": "x"}], "input item missing required 'type' field"),
        ([{"type": "item_reference", "id": "x"}], 'unknown input item type: "item_reference"'),
        ([called(arguments="{")], "invalid tool call arguments"),
        ([called(arguments="[]")], "invalid tool call arguments"),
        ([{"role": "user", "content": [{"type": "input_file", "file_id": "x"}]}],
         "file inputs are not currently supported"),
        ([{"role": "user", "content": [{"type": "input_image", "image_url": "x"}]}],
         "invalid image input"),
        ([{"role": "user", "content": [{"type": "video"}]}], 'unknown content type: "video"'),
        ([{"role": "user", "content": [{"text": "x"}]}], 'unknown content type: ""'),
        ([{"type": True}], "Expected `str`, got `bool` - at `$.type`"),
        ([{"role": "user", "content": [{"type": None}]}], 'unknown content type: ""'),
    ],
)  # fmt: skip
def test_what_is_unusable_is_named(given, text):
    with pytest.raises(BadRequest) as caught:
        translated(given)
    assert str(caught.value) == text


_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=4,
)
_kinds = ["message", "reasoning", "function_call", "function_call_output", "web_search_call"]
_keys = [
    "role",
    "content",
    "summary",
    "encrypted_content",
    "call_id",
    "name",
    "arguments",
    "output",
]
_items = st.fixed_dictionaries(
    {"type": st.sampled_from(_kinds)},
    optional={key: st.text(max_size=5) | _values for key in _keys},
)


@given(st.lists(_items, max_size=5))
def test_any_items_are_messages_or_a_refusal(given):
    try:
        turns = translated(given).messages
    except BadRequest:
        return
    assert len(turns) <= len(given)


@given(_values.filter(lambda value: value and not isinstance(value, str)))
def test_any_other_input_is_refused(given):
    with pytest.raises(BadRequest, match=r"^(input (must|item)|unknown input|Expected)"):
        translated(given)
