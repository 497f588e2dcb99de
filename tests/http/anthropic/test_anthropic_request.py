"""Anthropic's requests become chat's: roles, blocks, tools, options (Ollama API, 14.7)."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ollama_nb.errors import BadRequest
from ollama_nb.http.anthropic.request import counting_request, generation_request
from ollama_nb.wire import ChatMessage, FunctionCall, Tool, ToolCall, ToolFunction
from ollama_nb.wire.anthropic_types import CountTokensRequest, MessagesRequest
from ollama_nb.wire.codec import decode_request

USER = {"role": "user", "content": "hi"}
MINIMAL = {"model": "m", "max_tokens": 9, "messages": [USER]}
SCHEMA = {"type": "object", "properties": {"City": {"type": "string"}}}


def translated(**fields):
    """As it comes over the wire."""
    body = json.dumps(MINIMAL | fields).encode()
    return generation_request(decode_request(body, MessagesRequest))


def given_options(chat):
    return {name: value for name, value in chat.options.items() if value is not None}


def messages(*given, **fields):
    return translated(messages=given, **fields).messages


def blocks(*given, role="user"):
    return messages({"role": role, "content": given})


def use(**fields):
    return {"type": "tool_use", "id": "call_a", "name": "get_weather"} | fields


def result(content, id="call_a"):
    return {"type": "tool_result", "tool_use_id": id, "content": content}


def image(**source):
    return {"type": "image", "source": {"type": "base64", "media_type": "image/png"} | source}


def text(value):
    return {"type": "text", "text": value}


def test_the_least_request():
    chat = translated()
    assert chat.messages == [ChatMessage(role="user", content="hi")]
    assert given_options(chat) == {"num_predict": 9}
    assert (chat.model, chat.stream, chat.think, chat.format) == ("m", False, None, None)
    assert (chat.tools, chat.tool_choice, chat.truncate) == ([], None, True)


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"model": ""}, "model is required"),
        ({"model": None, "max_tokens": None}, "model is required"),
        ({"max_tokens": 0}, "max_tokens is required and must be positive"),
        ({"max_tokens": -1}, "max_tokens is required and must be positive"),
        ({"max_tokens": None, "messages": []}, "max_tokens is required and must be positive"),
        ({"messages": []}, "messages is required"),
        ({"messages": None}, "messages is required"),
    ],
)
def test_what_is_missing_is_named(fields, text):
    with pytest.raises(BadRequest) as caught:
        translated(**fields)
    assert str(caught.value) == text


@pytest.mark.parametrize("system", ["Be brief.", [text("Be "), text("brief.")]])
def test_the_system_speaks_first(system):
    first, _ = messages(USER, system=system)
    assert first == ChatMessage(role="system", content="Be brief.")


def test_options_are_given_only_where_the_request_has_them():
    chat = translated(temperature=0, top_p=0.5, top_k=3, stop_sequences=["x"])
    assert given_options(chat) == {
        "num_predict": 9, "temperature": 0, "top_p": 0.5, "top_k": 3, "stop": ["x"],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "think"),
    [
        ({"thinking": {"type": "enabled", "budget_tokens": 99}}, True),
        ({"thinking": {"type": "disabled"}, "output_config": {"effort": "high"}}, False),
        ({"thinking": {"type": "adaptive"}}, None),
        ({"thinking": {"type": "adaptive"}, "output_config": {"effort": "low"}}, "low"),
        ({"output_config": {"effort": "medium"}}, "medium"),
        ({"output_config": {"effort": "xhigh"}}, "high"),
        ({"output_config": {"effort": "max"}}, "max"),
        ({"output_config": {"effort": None}}, None),
        ({"thinking": None, "output_config": None}, None),
    ],
)
def test_how_much_it_shall_think(fields, think):
    assert translated(**fields).think == think


def test_tools_are_functions():
    tools = [
        {"name": "f", "description": "does f", "input_schema": SCHEMA},
        {"type": "custom", "name": "g", "input_schema": {"type": "object"}},
        {"type": "web_search_20250305", "name": "web_search", "max_uses": 5},
    ]
    assert translated(tools=tools).tools == [
        Tool(function=ToolFunction(name="f", description="does f", parameters=SCHEMA)),
        Tool(function=ToolFunction(name="g", parameters={"type": "object"})),
    ]


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (None, None),
        ({"type": "auto"}, None),
        ({"type": "any", "disable_parallel_tool_use": True}, "required"),
        ({"type": "none"}, "none"),
        ({"type": "tool", "name": "f"}, {"type": "function", "function": {"name": "f"}}),
        ({"type": "some"}, None),
    ],
)
def test_which_tool_it_shall_use(choice, expected):
    assert translated(tools=[{"name": "f"}], tool_choice=choice).tool_choice == expected


@pytest.mark.parametrize("choice", [{"type": "any"}, {"type": "tool", "name": "web_search"}])
@pytest.mark.parametrize(
    "tools", [None, [], [{"type": "web_search_20250305", "name": "web_search"}]]
)
def test_without_tools_there_is_no_choice(tools, choice):
    assert translated(tools=tools, tool_choice=choice).tool_choice is None


def test_a_schema_for_the_answer():
    wanted = {"format": {"type": "json_schema", "schema": SCHEMA}}
    assert translated(output_config=wanted).format == SCHEMA


def test_texts_of_one_message_are_joined():
    said = blocks(text("a"), {"type": "text", "text": "b", "cache_control": {"type": "ephemeral"}})
    assert said == [ChatMessage(role="user", content="ab", images=[], tool_calls=[])]


def test_an_assistants_turn_is_one_message():
    thinking = {"type": "thinking", "thinking": "hm", "signature": "x"}
    said = blocks(
        thinking, text("Let me see."), use(input={"City": "Paris", "x": None}), role="assistant"
    )
    call = FunctionCall(index=0, name="get_weather", arguments={"City": "Paris", "x": None})
    assert said == [
        ChatMessage(
            role="assistant",
            content="Let me see.",
            thinking="hm",
            images=[],
            tool_calls=[ToolCall(id="call_a", function=call)],
        )
    ]


def test_calls_of_one_message_are_counted():
    (said,) = blocks(use(), use(id="call_b", input=None), role="assistant")
    assert [one.function.index for one in said.tool_calls] == [0, 1]
    assert [one.function.arguments for one in said.tool_calls] == [{}, {}]


def test_results_come_before_what_else_their_message_says():
    _, first, second, rest = messages(
        {"role": "assistant", "content": [use(), use(id="call_b", name="now")]},
        {
            "role": "user",
            "content": [text("And?"), result("sunny"), result([text("no"), text("on")], "call_b")],
        },
    )
    assert (first.role, first.content) == ("tool", "sunny")
    assert first.tool_call_id == "call_a"
    assert (second.content, second.tool_call_id) == ("noon", "call_b")
    assert (rest.role, rest.content) == ("user", "And?")


def test_a_message_of_results_alone_says_nothing_more():
    (only,) = blocks(result(None))
    assert (only.role, only.content) == ("tool", "")


def test_images_are_base64():
    (said,) = blocks(image(data="QUJD"), text("What is this?"))
    assert (said.images, said.content) == (["QUJD"], "What is this?")
    (brought,) = blocks(result([image(data="QUJD")]))
    assert (brought.role, brought.images) == ("tool", ["QUJD"])


def test_images_elsewhere_are_refused():
    with pytest.raises(BadRequest) as caught:
        blocks(image(type="url", url="https://example.org/x.png"))
    assert str(caught.value) == (
        "invalid image source type: url. Only base64 images are supported."
    )


@pytest.mark.parametrize("field", ["id", "name"])
def test_calls_need_an_id_and_a_name(field):
    with pytest.raises(BadRequest) as caught:
        blocks(use(**{field: None}))
    assert str(caught.value) == f"tool_use block missing required '{field}' field"


def test_keys_match_whatever_their_case():
    (message,) = blocks({"Type": "text", "TEXT": "hi"})
    assert message.content == "hi"


def test_unknown_blocks_are_passed_over():
    odd = {"type": "search_result", "source": "x", "content": 5}
    (said,) = blocks(odd, {}, {"type": None}, text("a"), {"type": "redacted_thinking", "data": "x"})
    assert said.content == "a"


def test_a_message_of_nothing_is_still_a_message():
    assert [one.content for one in blocks()] == [""]


@pytest.mark.parametrize(
    "content",
    [5, {"type": "text"}, ["hi"], [text(5)], [result(5)], [use(input=[])], [image(data=5)]],
)
def test_wrong_types_are_refused(content):
    with pytest.raises(BadRequest):
        messages({"role": "user", "content": content})


def test_counting_asks_for_the_whole_prompt_and_nothing_else():
    body = json.dumps({"model": "m", "messages": [USER], "system": "s"}).encode()
    chat = counting_request(decode_request(body, CountTokensRequest))
    assert (chat.debug_render_only, chat.truncate, chat.stream) == (True, False, False)
    assert [one.role for one in chat.messages] == ["system", "user"]


_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=4,
)
_kinds = ["text", "image", "tool_use", "tool_result", "thinking", "document"]
_keys = ["text", "source", "id", "name", "input", "content", "tool_use_id", "thinking"]
_blocks = st.fixed_dictionaries(
    {"type": st.sampled_from(_kinds)},
    optional={key: st.text(max_size=5) | _values for key in _keys},
)


@given(st.lists(_blocks | _values, max_size=4))
def test_any_blocks_are_messages_or_a_refusal(content):
    try:
        said = messages({"role": "user", "content": content})
    except BadRequest:
        return
    assert said
    assert [one.role for one in said] == sorted(
        (one.role for one in said), key=["tool", "user"].index
    )
