"""Conversations in OpenAI's form: parts, roles, calls and their results."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ollama_nb.errors import BadRequest
from ollama_nb.http.openai.messages import chat_messages
from ollama_nb.wire import ChatMessage, FunctionCall, ToolCall
from ollama_nb.wire.codec import decode_request
from ollama_nb.wire.openai_chat_types import ChatCompletionRequest

PIXEL = "iVBORw0KGgo="


def translated(*messages):
    """As they come over the wire."""
    body = json.dumps({"messages": messages}).encode()
    return chat_messages(decode_request(body, ChatCompletionRequest).messages)


def call(name="f", arguments="{}", id="call_1"):
    return {"id": id, "type": "function", "function": {"name": name, "arguments": arguments}}


def image(url):
    return {"role": "user", "content": [{"type": "image_url", "image_url": {"url": url}}]}


def test_a_text_is_a_text():
    assert translated({"role": "user", "content": "Hé"}) == [ChatMessage(role="user", content="Hé")]


def test_every_part_becomes_a_message_of_the_same_role():
    parts = [
        {"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}},
        {"type": "image_url", "image_url": f"data:;base64,{PIXEL}"},
        {"type": "text", "text": ""},
    ]
    assert translated({"role": "user", "content": parts}) == [
        ChatMessage(role="user", content="What is this?"),
        ChatMessage(role="user", images=[PIXEL]),
        ChatMessage(role="user", images=[PIXEL]),
        ChatMessage(role="user"),
    ]


def test_a_developer_speaks_as_the_system():
    roles = [one.role for one in translated({"role": "Developer", "content": "Be brief."})]
    assert roles == ["system"]


def test_other_roles_stay_as_they_are():
    assert translated({"role": "Critic", "content": ""})[0].role == "Critic"


def test_calls_bring_their_arguments_as_objects():
    calls = [call("weather", '{"city":"Paris","days":[1,null]}', "call_a"), call("now", " {} ")]
    (made,) = translated({"role": "assistant", "content": None, "tool_calls": calls})
    assert made.tool_calls == [
        ToolCall(
            id="call_a",
            function=FunctionCall(
                index=0, name="weather", arguments={"city": "Paris", "days": [1, None]}
            ),
        ),
        ToolCall(id="call_1", function=FunctionCall(index=1, name="now", arguments={})),
    ]
    assert made.content == ""


def test_calls_beside_parts_stand_in_the_last_message():
    parts = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    first, last = translated(
        {"role": "assistant", "content": parts, "tool_calls": [call()], "reasoning": "hm"}
    )
    assert (first.content, first.tool_calls, first.thinking) == ("a", None, "")
    assert (last.content, len(last.tool_calls), last.thinking) == ("b", 1, "hm")


def test_calls_beside_no_parts_stay_in_their_own_message():
    asked, called = translated(
        {"role": "user", "content": "x"},
        {"role": "assistant", "content": [], "tool_calls": [call()]},
    )
    assert asked.tool_calls is None
    assert called.role == "assistant"
    assert len(called.tool_calls) == 1


@pytest.mark.parametrize("arguments", ["", "{", "[]", "1", '"{}"', "{} {}", "NaN", "{" * 9000])
def test_arguments_that_are_no_object(arguments):
    with pytest.raises(BadRequest, match=r"^invalid tool call arguments$"):
        translated({"role": "assistant", "tool_calls": [call(arguments=arguments)]})


def test_a_result_names_its_call():
    (result,) = translated({"role": "tool", "tool_call_id": "b", "content": "noon"})
    assert result == ChatMessage(role="tool", content="noon", tool_call_id="b")


def test_a_result_that_names_its_tool_itself():
    *_, result = translated(
        {"role": "assistant", "tool_calls": [call("weather", id="a")]},
        {"role": "tool", "tool_call_id": "a", "name": "other", "content": "x"},
    )
    assert result.tool_name == "other"


def test_a_result_in_parts_knows_its_call_in_each():
    parts = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    results = translated({"role": "tool", "tool_call_id": "a", "name": "f", "content": parts})
    assert [(one.content, one.tool_call_id, one.tool_name) for one in results] == [
        ("a", "a", "f"),
        ("b", "a", "f"),
    ]


def test_a_name_of_somebody_else_is_no_tools():
    (made,) = translated({"role": "user", "name": "Ann", "content": "x"})
    assert made.tool_name == ""


def test_reasoning_is_thinking():
    (made,) = translated({"role": "assistant", "content": "4", "reasoning": "2 + 2"})
    assert (made.content, made.thinking) == ("4", "2 + 2")


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (None, "<nil>"),
        (1, "float64"),
        (True, "bool"),
        ({"type": "text"}, "map[string]interface {}"),
    ],
)
def test_content_that_is_none(content, kind):
    with pytest.raises(BadRequest) as caught:
        translated({"role": "user", "content": content})
    assert str(caught.value) == f"invalid message content type: {kind}"


@pytest.mark.parametrize(
    "part",
    [
        "text", None, {}, {"type": "text"}, {"type": "text", "text": 1}, {"type": "image_url"},
        {"type": "image_url", "image_url": {}}, {"type": "image_url", "image_url": {"url": 1}},
        {"type": "file", "file": {}},
    ],
)  # fmt: skip
def test_a_part_that_is_none(part):
    with pytest.raises(BadRequest, match=r"^invalid message format$"):
        translated({"role": "user", "content": [part]})


def test_audio_is_not_read():
    part = {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}}
    with pytest.raises(BadRequest, match="audio input is not currently supported"):
        translated({"role": "user", "content": [part]})


@pytest.mark.parametrize("kind", ["image/png", "image/jpeg", "image/jpg", "image/webp", ""])
def test_images_come_inside_of_the_message(kind):
    assert translated(image(f"data:{kind};base64,{PIXEL}"))[0].images == [PIXEL]


@pytest.mark.parametrize("url", ["http://127.0.0.1/x.png", "https://example.org/x.png"])
def test_no_address_of_an_image_is_gone_to(url):
    with pytest.raises(BadRequest) as caught:
        translated(image(url))
    assert str(caught.value) == (
        "image URLs are not currently supported, please use base64 encoded data instead"
    )


@pytest.mark.parametrize(
    "url", ["", PIXEL, "file:///etc/passwd", "data:image/gif;base64,AA", "data:image/png,AA"]
)
def test_other_images_are_refused(url):
    with pytest.raises(BadRequest, match=r"^invalid image input$"):
        translated(image(url))


_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda one: st.lists(one) | st.dictionaries(st.text(), one),
)
_parts = st.fixed_dictionaries(
    {"type": st.sampled_from(["text", "image_url", "input_audio", "x"])},
    optional={"text": _json, "image_url": _json},
)


@given(st.lists(_parts | _json))
def test_any_content_is_read_or_refused(content):
    try:
        made = translated({"role": "user", "content": content})
    except BadRequest:
        return
    assert len(made) == max(1, len(content))


@given(st.dictionaries(st.text(), _json))
def test_arguments_are_read_as_they_were_written(arguments):
    text = json.dumps(arguments)
    (made,) = translated({"role": "assistant", "tool_calls": [call(arguments=text)]})
    assert made.tool_calls[0].function.arguments == arguments
