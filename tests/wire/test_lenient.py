"""Keys and nulls at every level of a request: what becomes a Struct is read as Ollama reads it.

What does not become one, such as options, schemas and arguments, arrives as it was sent.
"""

import json
from contextlib import suppress
from typing import Annotated

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ollama_nb.errors import BadRequest
from ollama_nb.wire import ChatRequest, CreateRequest
from ollama_nb.wire.codec import decode_request
from ollama_nb.wire.lenient import fields_of

DESCRIBED = msgspec.Meta(description="Said of a type.", extra_json_schema={"examples": []})


class Leaf(msgspec.Struct, kw_only=True):
    value: int = 0
    own: str = msgspec.field(default="", name="ownName")


class Tree(msgspec.Struct, kw_only=True):
    """Every place in which a Struct can stand."""

    leaf: Leaf | None = None
    always: Leaf = msgspec.field(default_factory=Leaf)
    several: "list[Tree]" = []
    named: dict[str, Leaf] = {}
    lists: dict[str, list[Leaf | None]] | None = None
    either: str | list[Leaf] | None = None
    described: Annotated[list[Annotated[Leaf, DESCRIBED]] | None, DESCRIBED] = None
    plain: dict[str, object] | None = None


def chat(**fields):
    return decode_request(json.dumps({"model": "m"} | fields).encode(), ChatRequest)


def tree(value):
    return msgspec.convert(fields_of(value, Tree), Tree)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


def same(values):
    """What is read as it stands: sent and meant are one."""
    return values.map(lambda value: (value, value))


texts = same(st.text(st.characters(codec="utf-8")))
maps = same(st.dictionaries(st.text(st.characters(codec="utf-8")), json_values, max_size=3))


@st.composite
def spelled(draw, key):
    """A key in any case."""
    return "".join(letter.upper() if draw(st.booleans()) else letter for letter in key)


@st.composite
def objects(draw, required=(), **fields):
    """An object as a careless client sends it, and as a careful one would."""
    sent, meant = {}, {}
    for key, pairs in fields.items():
        name = draw(spelled(key))
        if key in required or draw(st.booleans()):
            sent[name], meant[key] = draw(pairs)
        elif draw(st.booleans()):
            sent[name] = None
    for unknown in draw(st.lists(st.sampled_from(["", "x", "Cache_Control", "rôle"]), max_size=2)):
        sent[unknown] = draw(json_values)
    order = draw(st.permutations(list(sent)))
    return {key: sent[key] for key in order}, meant


def lists(pairs):
    return st.lists(pairs, max_size=3).map(
        lambda items: ([sent for sent, _ in items], [meant for _, meant in items])
    )


calls = objects(
    required=("function",),
    id=texts,
    function=objects(required=("name",), name=texts, arguments=maps, index=same(st.integers(0, 9))),
)
messages = objects(
    role=texts, content=texts, thinking=texts, tool_name=texts, tool_calls=lists(calls),
    images=same(st.lists(st.text(st.characters(codec="utf-8")), max_size=2)),
)  # fmt: skip
tools = objects(
    required=("function",),
    type=texts,
    function=objects(required=("name",), name=texts, description=texts, parameters=maps),
)
chats = objects(
    model=texts, messages=lists(messages), tools=lists(tools), options=maps,
    stream=same(st.booleans()), format=same(json_values.filter(lambda value: value is not None)),
)  # fmt: skip


@given(chats)
def test_a_careless_client_is_understood_as_a_careful_one(request):
    sent, meant = request
    assert decode_request(json.dumps(sent).encode(), ChatRequest) == msgspec.convert(
        meant, ChatRequest
    )


told = objects(required=("role", "content"), role=texts, content=texts)


@given(objects(model=texts, messages=lists(told), parameters=maps, info=maps))
def test_so_is_one_that_makes_models(request):
    sent, meant = request
    assert decode_request(json.dumps(sent).encode(), CreateRequest) == msgspec.convert(
        meant, CreateRequest
    )


@given(json_values)
def test_any_shape_is_read_or_refused(value):
    for key in ("messages", "tools"):
        with suppress(BadRequest):
            assert isinstance(chat(**{key: value}), ChatRequest)


def test_keys_match_whatever_their_case_at_every_level():
    call = {"Function": {"NAME": "f", "Arguments": {"City": "Paris"}}, "ID": "1"}
    request = chat(Messages=[{"ROLE": "user", "Content": "hi", "Tool_Calls": [call]}])
    (message,) = request.messages
    assert (message.role, message.content) == ("user", "hi")
    assert message.tool_calls[0].id == "1"
    assert message.tool_calls[0].function.arguments == {"City": "Paris"}


def test_null_means_not_given_at_every_level():
    message = dict.fromkeys(["role", "content", "thinking", "images", "tool_calls", "tool_name"])
    (read,) = chat(messages=[message]).messages
    assert (read.role, read.content, read.images, read.tool_calls) == ("", "", None, None)
    call = {"id": None, "function": {"name": "f", "arguments": None, "index": None}}
    (read,) = chat(messages=[{"tool_calls": [call]}]).messages
    assert read.tool_calls[0].function.arguments == {}


def test_a_null_among_objects_is_one_without_keys():
    assert chat(messages=[None, {"role": "user"}]).messages[0].content == ""
    assert tree({"several": [None], "named": {"a": None}}) == Tree(
        several=[Tree()], named={"a": Leaf()}
    )
    assert tree({"lists": {"a": [None, {"VALUE": 1}]}}).lists == {"a": [None, Leaf(value=1)]}


def test_structs_are_found_wherever_they_stand():
    sent = {
        "Leaf": {"Value": 1, "OWNNAME": "a", "ownname": "b", "new": 1},
        "ALWAYS": None,
        "several": [{"Several": [{"either": [{"VALUE": 2}]}]}, {"Either": "text"}],
        "named": {"Kept": {"Value": 3}},
        "Described": [{"VALUE": 4}],
        "plain": {"Kept": None, "Leaf": {"Value": None}},
    }
    assert tree(sent) == Tree(
        leaf=Leaf(value=1, own="b"),
        several=[Tree(several=[Tree(either=[Leaf(value=2)])]), Tree(either="text")],
        named={"Kept": Leaf(value=3)},
        described=[Leaf(value=4)],
        plain={"Kept": None, "Leaf": {"Value": None}},
    )


def test_the_older_name_of_a_model_is_a_model_at_the_top_only():
    tool = {"function": {"name": "f", "Parameters": {"NAME": None, "Model": {"name": "x"}}}}
    request = decode_request(
        json.dumps({"name": "m", "tools": [tool], "options": {"Name": None}}).encode(), ChatRequest
    )
    assert request.model == "m"
    assert request.tools[0].function.name == "f"
    assert request.tools[0].function.parameters == tool["function"]["Parameters"]
    assert request.options == {"Name": None}


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"messages": {}}, "$.messages"),
        ({"messages": [[]]}, "$.messages[0]"),
        ({"messages": [{"content": ["hi"]}]}, "$.messages[0].content"),
        ({"messages": [{}, {"Role": 1}]}, "$.messages[1].role"),
        ({"messages": [{"tool_calls": [{}]}]}, "$.messages[0].tool_calls[0]"),
        (
            {"messages": [{"tool_calls": [{"function": {"name": "f", "arguments": "{}"}}]}]},
            "$.messages[0].tool_calls[0].function.arguments",
        ),
        ({"tools": [{"function": {"name": "f", "parameters": []}}]}, "function.parameters"),
    ],
)
def test_a_wrong_type_is_refused_by_its_place(fields, place):
    with pytest.raises(BadRequest) as refused:
        chat(**fields)
    assert place in str(refused.value)
