"""OpenAI's own client: in the kernel, in jupyter-server with a token, and on a port of its own."""

import asyncio
import json
import math
from dataclasses import replace
from typing import Literal

import httpx2
import openai
import pytest
from model_files import endless_weights, write_model
from openai.types.chat import ChatCompletion
from pydantic import BaseModel
from servers import TOKEN
from tiny_vision import picture, projector

from ollama_nb.client.httpx2 import AsyncKernelTransport, KernelTransport
from ollama_nb.service import Service
from ollama_nb.settings import Settings

QUESTION = [{"role": "user", "content": "How do I pull a model?"}]
WEATHER = [{"role": "user", "content": "What is the weather in Paris?"}]
GREEDY = {"model": "guide", "temperature": 0}
ENDLESS = {"model": "endless", "messages": QUESTION, "temperature": 0}


@pytest.fixture(scope="module")
def kernel(stocked):
    """The service of a kernel."""
    service = Service(replace(Settings.from_environment({}), models=stocked))
    yield service
    service.close()


@pytest.fixture(params=["kernel", "mounted", "standalone"])
def client(request):
    """The client, configured as its documents say."""
    if request.param == "kernel":
        engine = httpx2.Client(transport=KernelTransport(request.getfixturevalue("kernel")))
        made = openai.OpenAI(base_url="http://kernel/v1", api_key="x", http_client=engine)
    else:
        server = request.getfixturevalue(request.param)
        path = "/ollama/v1" if request.param == "mounted" else "/v1"
        made = openai.OpenAI(base_url=server.url + path, api_key=TOKEN)
    with made.with_options(max_retries=0) as client:
        yield client


def tool(name, **properties):
    parameters = {"type": "object", "properties": properties, "required": list(properties)}
    about = f"Tell the {name.removeprefix('get_')} of a place."
    function = {"name": name, "description": about, "parameters": parameters}
    return {"type": "function", "function": function}


CITY = {"type": "string", "description": "The city."}
TOOLS = [tool("get_weather", city=CITY), tool("get_time", city=CITY)]


# chat.completions


def test_chat(client):
    answer = client.chat.completions.create(messages=QUESTION, **GREEDY)
    assert isinstance(answer, ChatCompletion)
    (choice,) = answer.choices
    assert "ollama pull" in choice.message.content
    assert (choice.message.role, choice.finish_reason, choice.index) == ("assistant", "stop", 0)
    assert (answer.object, answer.model) == ("chat.completion", "guide")
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens
    assert answer.usage.prompt_tokens > answer.usage.completion_tokens // 10 > 0


def test_a_stream_says_the_same_as_a_whole_answer(client):
    whole = client.chat.completions.create(messages=QUESTION, **GREEDY)
    chunks = list(
        client.chat.completions.create(
            messages=QUESTION, stream=True, stream_options={"include_usage": True}, **GREEDY
        )
    )
    *pieces, end, usage = chunks
    text = "".join(one.choices[0].delta.content for one in pieces)
    assert text == whole.choices[0].message.content
    assert pieces[0].choices[0].delta.role == "assistant"
    assert all(one.choices[0].delta.role is None for one in pieces[1:])
    assert end.choices[0].finish_reason == "stop"
    assert end.choices[0].delta.content is None
    assert (usage.choices, usage.usage) == ([], whole.usage)
    assert all(one.usage is None for one in chunks[:-1])
    assert len({(one.id, one.created) for one in chunks}) == 1


def test_the_length_of_an_answer_is_limited(client):
    for name in ("max_tokens", "max_completion_tokens"):
        answer = client.chat.completions.create(messages=QUESTION, **{name: 3}, **GREEDY)
        assert answer.usage.completion_tokens == 3
        assert answer.choices[0].finish_reason == "length"


def test_an_answer_ends_at_a_stop(client):
    answer = client.chat.completions.create(messages=QUESTION, stop=[" in", "zebra"], **GREEDY)
    assert "pull" in answer.choices[0].message.content
    assert " in" not in answer.choices[0].message.content
    assert answer.choices[0].finish_reason == "stop"


def test_the_same_seed_gives_the_same_answer(client):
    def answer():
        made = client.chat.completions.create(
            messages=QUESTION, model="guide", temperature=1.5, seed=11, max_tokens=12
        )
        return made.choices[0].message.content

    assert answer() == answer()


def test_a_system_message_by_either_name(client):
    prompts = set()
    for role in ("system", "developer"):
        messages = [{"role": role, "content": "Be brief."}, *QUESTION]
        answer = client.chat.completions.create(messages=messages, max_tokens=1, **GREEDY)
        prompts.add((answer.usage.prompt_tokens, answer.choices[0].message.content))
    plain = client.chat.completions.create(messages=QUESTION, max_tokens=1, **GREEDY)
    assert len(prompts) == 1
    assert prompts.pop()[0] > plain.usage.prompt_tokens


def test_content_in_parts(client):
    parts = [{"type": "text", "text": QUESTION[0]["content"]}]
    answers = [
        client.chat.completions.create(messages=messages, **GREEDY).choices[0].message.content
        for messages in (QUESTION, [{"role": "user", "content": parts}])
    ]
    assert answers[0] == answers[1]


def test_log_probabilities(client):
    answer = client.chat.completions.create(
        messages=QUESTION, logprobs=True, top_logprobs=2, max_tokens=4, **GREEDY
    )
    content = answer.choices[0].logprobs.content
    assert len(content) == 4
    assert "".join(one.token for one in content) == answer.choices[0].message.content
    for one in content:
        assert one.top_logprobs[0].token == one.token
        assert len(one.top_logprobs) == 2
        assert bytes(one.bytes).decode() == one.token


def test_leaving_a_stream_early(client):
    with client.chat.completions.create(stream=True, **ENDLESS) as stream:
        next(iter(stream))
    answer = client.chat.completions.create(max_tokens=2, **ENDLESS)
    assert answer.usage.completion_tokens == 2


# Tools.


def test_a_call_of_a_tool_and_its_result(client):
    answer = client.chat.completions.create(messages=WEATHER, tools=TOOLS, **GREEDY)
    (choice,) = answer.choices
    (call,) = choice.message.tool_calls
    assert choice.finish_reason == "tool_calls"
    assert (call.type, call.function.name) == ("function", "get_weather")
    assert json.loads(call.function.arguments) == {"city": "Paris"}
    result = {"role": "tool", "tool_call_id": call.id, "content": '{"celsius": 21}'}
    messages = [*WEATHER, choice.message, result]
    answer = client.chat.completions.create(messages=messages, tools=TOOLS, **GREEDY)
    assert answer.choices[0].message.content


def test_a_streamed_call_is_whole(client):
    with client.chat.completions.stream(messages=WEATHER, tools=TOOLS, **GREEDY) as stream:
        kinds = [event.type for event in stream]
        answer = stream.get_final_completion()
    (call,) = answer.choices[0].message.tool_calls
    assert kinds.count("tool_calls.function.arguments.delta") == 1
    assert json.loads(call.function.arguments) == {"city": "Paris"}
    assert answer.choices[0].finish_reason == "tool_calls"


def test_a_call_can_be_demanded(client):
    answer = client.chat.completions.create(
        messages=QUESTION, tools=TOOLS, tool_choice="required", **GREEDY
    )
    (call,) = answer.choices[0].message.tool_calls
    assert call.function.name in ("get_weather", "get_time")
    assert list(json.loads(call.function.arguments)) == ["city"]


@pytest.mark.parametrize("name", ["get_weather", "get_time"])
def test_a_certain_call_can_be_demanded(client, name):
    choice = {"type": "function", "function": {"name": name}}
    answer = client.chat.completions.create(
        messages=QUESTION, tools=TOOLS, tool_choice=choice, **GREEDY
    )
    (call,) = answer.choices[0].message.tool_calls
    assert call.function.name == name
    assert isinstance(json.loads(call.function.arguments)["city"], str)


def test_a_call_of_one_of_some_can_be_demanded(client):
    some = {"mode": "required", "tools": [{"type": "function", "function": {"name": "get_time"}}]}
    answer = client.chat.completions.create(
        messages=WEATHER,
        tools=TOOLS,
        tool_choice={"type": "allowed_tools", "allowed_tools": some},
        **GREEDY,
    )
    (call,) = answer.choices[0].message.tool_calls
    assert call.function.name == "get_time"


@pytest.mark.parametrize(
    "fields",
    [
        {"tool_choice": "required"},
        {"tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": "required"}}},
        {"tools": TOOLS, "tool_choice": {"type": "custom", "custom": {"name": "grammar"}}},
    ],
)
def test_a_demand_that_nothing_here_can_meet_is_passed_over(client, fields):
    answer = client.chat.completions.create(messages=QUESTION, **GREEDY, **fields)
    assert answer.choices[0].message.content
    assert answer.choices[0].message.tool_calls is None


def test_calls_can_be_forbidden(client):
    answer = client.chat.completions.create(
        messages=WEATHER, tools=TOOLS, tool_choice="none", **GREEDY
    )
    plain = client.chat.completions.create(messages=WEATHER, **GREEDY)
    assert answer.choices[0].message.tool_calls is None
    assert answer.choices[0].message.content == plain.choices[0].message.content
    assert answer.usage.prompt_tokens == plain.usage.prompt_tokens


# Structured answers.


class Fruit(BaseModel):
    """What the answer must be."""

    name: Literal["apple", "pear"]
    count: Literal[1, 2, 3]
    ripe: bool


def test_a_parsed_answer(client):
    answer = client.chat.completions.parse(
        messages=QUESTION, response_format=Fruit, max_tokens=80, **GREEDY
    )
    fruit = answer.choices[0].message.parsed
    assert isinstance(fruit, Fruit)
    assert json.loads(answer.choices[0].message.content) == fruit.model_dump()


def test_a_parsed_stream(client):
    with client.chat.completions.stream(
        messages=QUESTION, response_format=Fruit, max_tokens=80, **GREEDY
    ) as stream:
        assert isinstance(stream.get_final_completion().choices[0].message.parsed, Fruit)


def test_any_object(client):
    answer = client.chat.completions.create(
        messages=[{"role": "user", "content": "Answer with JSON."}],
        response_format={"type": "json_object"},
        max_tokens=200,
        **GREEDY,
    )
    text = answer.choices[0].message.content
    assert text.startswith("{")
    if answer.choices[0].finish_reason == "stop":
        assert isinstance(json.loads(text), dict)


# Thinking and images.


def test_reasoning(client):
    fields = {"messages": QUESTION, "model": "guide:think", "temperature": 0}
    for effort in ("low", "none"):
        answer = client.chat.completions.create(reasoning_effort=effort, **fields)
        thought = getattr(answer.choices[0].message, "reasoning", "")
        assert bool(thought) is (effort == "low")
        assert "<think>" not in answer.choices[0].message.content


def seen(colour):
    url = f"data:image/png;base64,{picture(colour)}"
    parts = [{"type": "image_url", "image_url": {"url": url}}, {"type": "text", "text": "What?"}]
    return [{"role": "user", "content": parts}]


def test_images_need_a_model_that_sees(client):
    with pytest.raises(openai.BadRequestError, match="does not support vision"):
        client.chat.completions.create(messages=seen("red"), **GREEDY)


def test_images_are_seen(tmp_path):
    """By a model of random weights, whose likeliest words depend on the colour."""
    encoder = projector().encode()
    write_model(tmp_path, "seer", weights=endless_weights(4096), projector=encoder)
    service = Service(replace(Settings.from_environment({}), models=tmp_path))
    engine = httpx2.Client(transport=KernelTransport(service))
    with openai.OpenAI(base_url="http://kernel/v1", api_key="x", http_client=engine) as client:
        red, again, blue = (likeliest(client, seen(name)) for name in ("red", "red", "blue"))
    service.close()
    assert again == pytest.approx(red, abs=1e-3)
    assert blue != pytest.approx(red, abs=1e-2)


def likeliest(client, messages):
    """The words that an answer could begin with."""
    answer = client.chat.completions.create(
        model="seer", messages=messages, temperature=0, max_tokens=1, logprobs=True, top_logprobs=20
    )
    first = answer.choices[0].logprobs.content[0]
    return {bytes(one.bytes): one.logprob for one in first.top_logprobs}


@pytest.mark.parametrize("url", ["https://example.org/x.png", "data:text/plain,x"])
def test_images_that_are_not_taken(client, url):
    parts = [{"type": "image_url", "image_url": {"url": url}}]
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(messages=[{"role": "user", "content": parts}], **GREEDY)
    assert "image" in caught.value.body["message"]


# completions


def test_completions(client):
    fields = {"prompt": "What is keep_alive?", "max_tokens": 20, **GREEDY}
    whole = client.completions.create(**fields)
    assert whole.object == "text_completion"
    assert "seconds" in whole.choices[0].text
    *pieces, usage = client.completions.create(
        stream=True, stream_options={"include_usage": True}, **fields
    )
    assert "".join(one.choices[0].text for one in pieces) == whole.choices[0].text
    assert pieces[-1].choices[0].finish_reason == whole.choices[0].finish_reason
    assert (usage.choices, usage.usage) == ([], whole.usage)


def test_completions_between_two_texts(client):
    answer = client.completions.create(
        prompt="%ollama pull ", suffix="\n", max_tokens=8, logprobs=1, **GREEDY
    )
    (choice,) = answer.choices
    assert choice.text
    assert "".join(choice.logprobs.tokens).startswith(choice.text[:1])
    assert len(choice.logprobs.token_logprobs) == len(choice.logprobs.tokens)


# embeddings


def test_embeddings(client):
    packed = client.embeddings.create(model="guide", input=["one", "two"])
    floats = client.embeddings.create(model="guide", input=["one", "two"], encoding_format="float")
    assert [one.index for one in packed.data] == [0, 1]
    for ours, theirs in zip(packed.data, floats.data, strict=True):
        assert ours.embedding == theirs.embedding
        assert math.isclose(math.hypot(*ours.embedding), 1, abs_tol=1e-3)
    assert packed.usage.prompt_tokens > 0


def test_embeddings_of_fewer_dimensions(client):
    answer = client.embeddings.create(model="guide", input="one", dimensions=8)
    assert len(answer.data[0].embedding) == 8


# models


def test_models(client):
    listed = client.models.list()
    assert {"guide:latest", "endless:latest"} <= {one.id for one in listed}
    one = client.models.retrieve("guide")
    assert (one.id, one.object, one.owned_by) == ("guide", "model", "library")
    assert one.created == next(other.created for other in listed if other.id == "guide:latest")


def test_models_with_slashes_in_their_names(client):
    found = client.models.retrieve("registry.ollama.ai/library/guide:latest")
    assert (found.id, found.owned_by) == ("registry.ollama.ai/library/guide:latest", "library")
    with pytest.raises(openai.NotFoundError, match="ann/nothing"):
        client.models.retrieve("ann/nothing")


# Failures are the exceptions that it has for them.


def test_a_model_that_is_not_there(client):
    with pytest.raises(openai.NotFoundError) as caught:
        client.chat.completions.create(model="nope", messages=QUESTION)
    assert caught.value.body == {
        "message": "model 'nope' not found",
        "type": "not_found_error",
        "param": None,
        "code": None,
    }
    with pytest.raises(openai.NotFoundError):
        client.chat.completions.create(model="nope", messages=QUESTION, stream=True)
    with pytest.raises(openai.NotFoundError):
        client.completions.create(model="nope", prompt="x")
    with pytest.raises(openai.NotFoundError):
        client.embeddings.create(model="nope", input="x")


def test_a_request_that_cannot_succeed(client):
    with pytest.raises(openai.BadRequestError, match=r"\[\] is too short - 'messages'"):
        client.chat.completions.create(messages=[], **GREEDY)
    with pytest.raises(openai.BadRequestError, match="invalid reasoning value"):
        client.chat.completions.create(messages=QUESTION, reasoning_effort="huge", **GREEDY)
    with pytest.raises(openai.BadRequestError, match="invalid input type"):
        client.embeddings.create(model="guide", input=[1, 2, 3])


def test_without_the_token(mounted):
    with (
        openai.OpenAI(base_url=f"{mounted.url}/ollama/v1", api_key="wrong") as client,
        pytest.raises(openai.PermissionDeniedError, match="this server needs its token"),
    ):
        client.models.list()


def test_the_client_that_awaits(kernel):
    async def ask():
        engine = httpx2.AsyncClient(transport=AsyncKernelTransport(kernel))
        async with openai.AsyncOpenAI(
            base_url="http://kernel/v1", api_key="x", http_client=engine, max_retries=0
        ) as client:
            stream = await client.chat.completions.create(
                messages=QUESTION, max_tokens=5, stream=True, **GREEDY
            )
            pieces = [one.choices[0].delta.content or "" async for one in stream]
            whole = await client.chat.completions.create(messages=QUESTION, max_tokens=5, **GREEDY)
            with pytest.raises(openai.NotFoundError):
                await client.models.retrieve("nope")
            return "".join(pieces), whole.choices[0].message.content

    streamed, whole = asyncio.run(ask())
    assert streamed == whole
