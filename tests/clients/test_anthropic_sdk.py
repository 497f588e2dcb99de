"""Anthropic's own client: in the kernel, and on both servers with either way to send a token."""

import json

import anthropic
import httpx2
import pytest
from servers import TOKEN

from ollama_nb.client.httpx2 import KernelTransport

QUESTION = [{"role": "user", "content": "How do I pull a model?"}]
WEATHER = [{"role": "user", "content": "What is the weather in Paris?"}]
SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string", "maxLength": 20}},
    "required": ["city"],
    "additionalProperties": False,
}
TOOL = {
    "name": "get_weather",
    "description": "Tell the weather of a place.",
    "input_schema": SCHEMA,
}
PIXEL = "iVBORw0KGgo="


def client_of(server, mount="", **keys):
    keys = {"api_key": None, "auth_token": None} | keys
    return anthropic.Anthropic(base_url=server.url + mount, max_retries=0, timeout=300, **keys)


@pytest.fixture(params=["kernel", "standalone", "api_key", "auth_token"])
def client(request, monkeypatch):
    """The client, as its users configure it."""
    for name in ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    if request.param == "kernel":
        engine = httpx2.Client(transport=KernelTransport(request.getfixturevalue("kernel")))
        made = anthropic.Anthropic(base_url="http://kernel", api_key="x", http_client=engine)
    elif request.param == "standalone":
        made = client_of(request.getfixturevalue("standalone"), api_key="whatever")
    else:
        made = client_of(request.getfixturevalue("mounted"), "/ollama", **{request.param: TOKEN})
    with made:
        yield made


def asked(messages=QUESTION, **fields):
    return {"model": "guide", "max_tokens": 200, "messages": messages} | fields


def test_a_message(client):
    message = client.messages.create(**asked())
    (block,) = message.content
    assert (block.type, message.role, message.model) == ("text", "assistant", "guide")
    assert "%ollama pull" in block.text
    assert message.stop_reason == "end_turn"
    assert message.usage.output_tokens > 5


def test_a_stream_says_what_a_message_says(client):
    whole = client.messages.create(**asked())
    with client.messages.stream(**asked()) as stream:
        texts = list(stream.text_stream)
        streamed = stream.get_final_message()
    assert len(texts) > 5
    assert "".join(texts) == streamed.content[0].text == whole.content[0].text
    assert (streamed.stop_reason, streamed.usage) == (whole.stop_reason, whole.usage)


def test_events_are_named(client):
    kinds = [event.type for event in client.messages.create(**asked(), stream=True)]
    assert kinds[:2] == ["message_start", "content_block_start"]
    assert set(kinds[2:-3]) == {"content_block_delta"}
    assert kinds[-3:] == ["content_block_stop", "message_delta", "message_stop"]


def test_a_conversation_with_a_system(client):
    first = client.messages.create(**asked(system="You know ollama_nb."))
    turns = [*QUESTION, {"role": "assistant", "content": first.content}, *QUESTION]
    second = client.messages.create(**asked(turns))
    assert second.usage.input_tokens > first.usage.input_tokens


@pytest.mark.parametrize("streams", [False, True])
def test_the_stop_sequence_that_was_met_is_told(client, streams):
    wanted = asked(stop_sequences=["zebra", " in"])
    if streams:
        with client.messages.stream(**wanted) as stream:
            message = stream.get_final_message()
    else:
        message = client.messages.create(**wanted)
    assert (message.stop_reason, message.stop_sequence) == ("stop_sequence", " in")
    assert "pull" in message.content[0].text
    assert " in" not in message.content[0].text


def test_max_tokens_are_kept(client):
    message = client.messages.create(**asked(max_tokens=3))
    assert (message.stop_reason, message.usage.output_tokens) == ("max_tokens", 3)


@pytest.mark.parametrize("streams", [False, True])
def test_a_tool_is_used_and_its_result_read(client, streams):
    wanted = asked(WEATHER, tools=[TOOL])
    if streams:
        with client.messages.stream(**wanted) as stream:
            call = stream.get_final_message()
    else:
        call = client.messages.create(**wanted)
    assert call.stop_reason == "tool_use"
    (block,) = call.content
    assert (block.type, block.name, block.input) == ("tool_use", "get_weather", {"city": "Paris"})
    result = {"type": "tool_result", "tool_use_id": block.id, "content": "sunny"}
    turns = [
        *WEATHER,
        {"role": "assistant", "content": call.content},
        {"role": "user", "content": [result]},
    ]
    answer = client.messages.create(**asked(turns, tools=[TOOL]))
    assert "sunny" in answer.content[0].text


@pytest.mark.parametrize("choice", [{"type": "any"}, {"type": "tool", "name": "get_weather"}])
def test_a_tool_must_be_used(client, choice):
    message = client.messages.create(**asked(tools=[TOOL], tool_choice=choice))
    assert message.stop_reason == "tool_use"
    assert isinstance(message.content[-1].input["city"], str)


@pytest.mark.parametrize("tools", [[], [{"type": "web_search_20250305", "name": "web_search"}]])
def test_no_tool_must_be_used_where_none_is_left(client, tools):
    message = client.messages.create(**asked(tools=tools, tool_choice={"type": "any"}))
    assert [block.type for block in message.content] == ["text"]


def test_no_tool_may_be_used(client):
    wanted = asked(WEATHER, tools=[TOOL], tool_choice={"type": "none"})
    assert client.messages.create(**wanted).content[0].type == "text"


@pytest.mark.parametrize("streams", [False, True])
def test_thinking_is_a_block_of_its_own(client, streams):
    wanted = asked(model="guide:think", thinking={"type": "enabled", "budget_tokens": 1024})
    if streams:
        with client.messages.stream(**wanted) as stream:
            message = stream.get_final_message()
    else:
        message = client.messages.create(**wanted)
    assert message.content[0].type == "thinking"
    assert message.content[0].thinking


def test_thinking_is_forgiven_where_a_model_cannot(client):
    thinking = {"type": "enabled", "budget_tokens": 1024}
    message = client.messages.create(**asked(thinking=thinking))
    assert [block.type for block in message.content] == ["text"]


def test_a_structured_answer(client):
    wanted = {"format": {"type": "json_schema", "schema": SCHEMA}}
    message = client.messages.create(**asked(output_config=wanted))
    assert list(json.loads(message.content[0].text)) == ["city"]


@pytest.mark.parametrize("fields", [{}, {"system": "Be brief."}, {"tools": [TOOL]}])
def test_tokens_are_counted_as_they_are_spent(client, fields):
    prompt = {"model": "guide", "messages": QUESTION} | fields
    counted = client.messages.count_tokens(**prompt).input_tokens
    spent = client.messages.create(**prompt, max_tokens=1).usage.input_tokens
    assert counted == spent


def test_a_prompt_beyond_the_window_is_counted_whole(client):
    one = client.messages.count_tokens(model="guide", messages=QUESTION).input_tokens
    many = client.messages.count_tokens(model="guide", messages=QUESTION * 500).input_tokens
    assert many > 400 * (one - 6)


def test_errors_are_the_clients_own(client):
    with pytest.raises(anthropic.NotFoundError) as caught:
        client.messages.create(**asked(model="nope"))
    assert caught.value.body["error"] == {
        "type": "not_found_error",
        "message": "model 'nope' not found",
    }
    with pytest.raises(anthropic.BadRequestError, match="max_tokens is required and must be"):
        client.messages.create(**asked(max_tokens=0))
    with pytest.raises(anthropic.NotFoundError):
        client.messages.count_tokens(model="nope", messages=QUESTION)


def test_images_are_refused_by_a_model_that_sees_none(client):
    source = {"type": "base64", "media_type": "image/png", "data": PIXEL}
    seen = [{"role": "user", "content": [{"type": "image", "source": source}]}]
    with pytest.raises(anthropic.BadRequestError, match="does not support vision"):
        client.messages.create(**asked(seen))


def test_an_answer_that_nobody_reads_ends(client):
    endless = asked(model="endless", max_tokens=10_000_000)
    with client.messages.create(**endless, stream=True) as stream:
        assert next(iter(stream)).type == "message_start"
    # The one slot of this server is free again.
    assert client.messages.create(**asked(model="endless", max_tokens=2)).usage.output_tokens == 2


def test_a_server_with_a_token_wants_it(mounted):
    for keys in ({"api_key": "wrong"}, {"auth_token": "wrong"}):
        with client_of(mounted, "/ollama", **keys) as client:
            with pytest.raises(anthropic.PermissionDeniedError) as caught:
                client.messages.create(**asked())
            assert caught.value.body["error"]["type"] == "permission_error"
