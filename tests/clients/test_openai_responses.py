"""OpenAI's own client asks for responses, in the kernel and on both servers."""

import json

import httpx2
import openai
import pytest
from pydantic import BaseModel, Field
from servers import TOKEN

from ollama_nb.client.httpx2 import KernelTransport

QUESTION = "How do I pull a model?"
WEATHER = "What is the weather in Paris?"


class Place(BaseModel):
    """What a structured answer is."""

    city: str = Field(max_length=20)


SCHEMA = Place.model_json_schema() | {"additionalProperties": False}
TOOL = {
    "type": "function",
    "name": "get_weather",
    "description": "Tell the weather of a place.",
    "parameters": SCHEMA,
    "strict": True,
}


@pytest.fixture(params=["kernel", "standalone", "mounted"])
def client(request, monkeypatch):
    """The client, as its users configure it."""
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID"):
        monkeypatch.delenv(name, raising=False)
    if request.param == "kernel":
        engine = httpx2.Client(transport=KernelTransport(request.getfixturevalue("kernel")))
        made = openai.OpenAI(base_url="http://kernel/v1", api_key="x", http_client=engine)
    else:
        server = request.getfixturevalue(request.param)
        mount, key = ("/ollama/v1", TOKEN) if request.param == "mounted" else ("/v1", "whatever")
        made = openai.OpenAI(base_url=server.url + mount, api_key=key, max_retries=0, timeout=300)
    with made:
        yield made


def asked(input=QUESTION, **fields):
    return {"model": "guide", "temperature": 0, "input": input} | fields


def streamed(client, **fields):
    """All events, and the response that the client has put together of them."""
    with client.responses.stream(**asked(**fields)) as stream:
        events = list(stream)
        return events, stream.get_final_response()


def test_a_response(client):
    response = client.responses.create(**asked())
    assert "%ollama pull" in response.output_text
    assert (response.status, response.error, response.model) == ("completed", None, "guide")
    usage = response.usage
    assert usage.total_tokens == usage.input_tokens + usage.output_tokens > 10


def test_a_stream_says_what_a_response_says(client):
    whole = client.responses.create(**asked())
    events, response = streamed(client)
    assert [event.sequence_number for event in events] == list(range(len(events)))
    deltas = [event.delta for event in events if event.type == "response.output_text.delta"]
    assert len(deltas) > 5
    assert "".join(deltas) == response.output_text == whole.output_text
    assert response.usage == whole.usage


def test_a_conversation_is_sent_whole(client):
    first = client.responses.create(**asked(instructions="You know ollama_nb."))
    turns = [{"role": "user", "content": QUESTION}, *first.output]
    second = client.responses.create(**asked([*turns, {"role": "user", "content": QUESTION}]))
    assert second.usage.input_tokens > first.usage.input_tokens
    assert second.output_text


@pytest.mark.parametrize("streams", [False, True])
def test_a_function_is_called_and_its_output_read(client, streams):
    wanted = {"input": WEATHER, "tools": [TOOL]}
    if streams:
        events, response = streamed(client, **wanted)
        (told,) = [one for one in events if one.type == "response.function_call_arguments.done"]
        assert json.loads(told.arguments) == {"city": "Paris"}
    else:
        response = client.responses.create(**asked(**wanted))
    (call,) = response.output
    assert (call.type, call.name, json.loads(call.arguments)) == (
        "function_call",
        "get_weather",
        {"city": "Paris"},
    )
    turns = [
        {"role": "user", "content": WEATHER},
        {"type": "function_call", "call_id": call.call_id, "name": call.name,
         "arguments": call.arguments},
        {"type": "function_call_output", "call_id": call.call_id, "output": "sunny"},
    ]  # fmt: skip
    answer = client.responses.create(**asked(turns, tools=[TOOL]))
    assert "sunny" in answer.output_text


@pytest.mark.parametrize("choice", ["required", {"type": "function", "name": "get_weather"}])
def test_a_function_must_be_called(client, choice):
    response = client.responses.create(**asked(tools=[TOOL], tool_choice=choice))
    assert [one.type for one in response.output] == ["function_call"]


def test_no_function_may_be_called(client):
    response = client.responses.create(**asked(WEATHER, tools=[TOOL], tool_choice="none"))
    assert [one.type for one in response.output] == ["message"]


@pytest.mark.parametrize("tools", [[], [{"type": "web_search"}]])
def test_no_function_must_be_called_where_none_is_left(client, tools):
    response = client.responses.create(**asked(tools=tools, tool_choice="required"))
    assert "%ollama pull" in response.output_text


def test_a_structured_response(client):
    wanted = {"type": "json_schema", "name": "place", "schema": SCHEMA, "strict": True}
    response = client.responses.create(**asked(text={"format": wanted}))
    assert list(json.loads(response.output_text)) == ["city"]


def test_a_response_is_parsed(client):
    response = client.responses.parse(**asked(text_format=Place))
    assert isinstance(response.output_parsed, Place)


@pytest.mark.parametrize("streams", [False, True])
def test_reasoning_is_an_item_of_its_own(client, streams):
    wanted = {"model": "guide:think", "reasoning": {"effort": "high", "summary": "auto"}}
    if streams:
        _, response = streamed(client, **wanted)
    else:
        response = client.responses.create(**asked(**wanted))
    first, *rest = response.output
    assert first.type == "reasoning"
    assert first.summary[0].text
    assert [one.type for one in rest] == ["message"]
    again = [{"role": "user", "content": QUESTION}, *response.output]
    assert client.responses.create(**asked(again)).usage.input_tokens > 20


@pytest.mark.parametrize("streams", [False, True])
def test_a_response_that_was_cut_off_says_so(client, streams):
    if streams:
        events, response = streamed(client, max_output_tokens=3)
        assert events[-1].type == "response.completed"
    else:
        response = client.responses.create(**asked(max_output_tokens=3))
    assert (response.status, response.usage.output_tokens) == ("incomplete", 3)
    assert response.incomplete_details.reason == "max_output_tokens"


def test_errors_are_the_clients_own(client):
    with pytest.raises(openai.NotFoundError, match="model 'nope' not found") as caught:
        client.responses.create(**asked(model="nope"))
    assert caught.value.type == "not_found_error"
    with pytest.raises(openai.BadRequestError, match="does not support thinking"):
        client.responses.create(**asked(reasoning={"effort": "high"}))
    image = {"type": "input_image", "image_url": "https://example.org/x.png"}
    with pytest.raises(openai.BadRequestError, match="image URLs are not currently supported"):
        client.responses.create(**asked([{"role": "user", "content": [image]}]))


def test_an_answer_that_nobody_reads_ends(client):
    with client.responses.create(**asked(model="endless"), stream=True) as stream:
        assert next(iter(stream)).type == "response.created"
    # The one slot of this server is free again.
    short = client.responses.create(**asked(model="endless", max_output_tokens=2))
    assert short.usage.output_tokens == 2
