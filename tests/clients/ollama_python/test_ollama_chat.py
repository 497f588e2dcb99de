"""``chat`` of the official clients, with everything it takes."""

import ollama
import pytest
from pydantic import BaseModel

QUESTION = "How do I pull a model?"
GREEDY = {"temperature": 0, "num_predict": 40}


def get_weather(city: str) -> str:
    """Get the weather for a city.

    Args:
      city: The name of the city
    """
    return f"14 degrees in {city}"


def add_two_numbers(a: int, b: int) -> int:
    """Add two numbers.

    Args:
      a: The first number
      b: The second number
    """
    return a + b


def asking(content, **fields):
    return [{"role": "user", "content": content, **fields}]


def test_chat(client):
    answer = client.chat("guide", asking(QUESTION), options=GREEDY)
    assert isinstance(answer, ollama.ChatResponse)
    assert answer.message.role == "assistant"
    assert "ollama pull" in answer.message.content
    assert (answer.model, answer.done, answer.done_reason) == ("guide", True, "stop")
    assert answer.prompt_eval_count > 0
    assert 0 < answer.eval_duration < answer.total_duration
    streamed = list(client.chat("guide", asking(QUESTION), options=GREEDY, stream=True))
    assert "".join(part.message.content for part in streamed) == answer.message.content
    assert {part.message.role for part in streamed} == {"assistant"}
    assert [part.done for part in streamed] == [False] * (len(streamed) - 1) + [True]
    assert streamed[-1].eval_count == answer.eval_count


def test_chat_remembers(client):
    first = client.chat("guide", asking(QUESTION), options=GREEDY)
    turns = [*asking(QUESTION), first.message, *asking("How do I remove a model?")]
    second = client.chat("guide", turns, options=GREEDY)
    assert second.prompt_eval_count > first.prompt_eval_count + first.eval_count
    assert "ollama rm" in second.message.content
    system = [{"role": "system", "content": "Answer with the command only."}, *asking(QUESTION)]
    assert client.chat("guide", system, options=GREEDY).message.content != first.message.content


@pytest.mark.parametrize("stream", [False, True])
def test_chat_calls_functions(client, stream):
    def asked(turns, tool):
        answer = client.chat("guide", turns, tools=[tool], options=GREEDY, stream=stream)
        return [part.message for part in (answer if stream else [answer])]

    def calls(messages):
        told = [call.function for message in messages for call in message.tool_calls or ()]
        return [(call.name, call.arguments) for call in told]

    sums = asked(asking("What is 17 plus 25?"), add_two_numbers)
    assert calls(sums) == [("add_two_numbers", {"a": 17, "b": 25})]
    turns = asking("What is the weather in Paris?")
    told = asked(turns, get_weather)
    assert calls(told) == [("get_weather", {"city": "Paris"})]
    turns += [message for message in told if message.tool_calls]
    turns.append({"role": "tool", "tool_name": "get_weather", "content": "14 degrees"})
    told = asked(turns, get_weather)
    assert calls(told) == []
    assert "14 degrees" in "".join(message.content for message in told)


def test_chat_takes_tools_as_schemas(client):
    tool = ollama.Tool(
        function=ollama.Tool.Function(
            name="get_weather",
            description="Get the weather for a city.",
            parameters=ollama.Tool.Function.Parameters(
                type="object",
                required=["city"],
                properties={"city": ollama.Tool.Function.Parameters.Property(type="string")},
            ),
        )
    )
    for one in (tool, tool.model_dump(exclude_none=True)):
        turns = asking("What is the weather in Rome?")
        (call,) = client.chat("guide", turns, tools=[one], options=GREEDY).message.tool_calls
        assert (call.function.name, call.function.arguments) == ("get_weather", {"city": "Rome"})


def test_chat_an_object(client):
    class Answer(BaseModel):
        name: str
        age: int

    answer = client.chat(
        "guide", asking("Ann is 30 years old."), format=Answer.model_json_schema(), options=GREEDY
    )
    assert isinstance(Answer.model_validate_json(answer.message.content), Answer)


def test_chat_tells_how_likely_its_tokens_were(client):
    answer = client.chat("guide", asking(QUESTION), logprobs=True, top_logprobs=2, options=GREEDY)
    assert "".join(one.token for one in answer.logprobs) == answer.message.content
    assert {len(one.top_logprobs) for one in answer.logprobs} == {2}


def test_chat_thinks_first(client):
    answer = client.chat("guide:think", asking(QUESTION), think=True, options={"temperature": 0})
    assert answer.message.thinking
    assert answer.message.content
    parts = client.chat(
        "guide:think", asking(QUESTION), think=True, options={"temperature": 0}, stream=True
    )
    parts = list(parts)
    assert "".join(part.message.thinking or "" for part in parts) == answer.message.thinking
    assert "".join(part.message.content for part in parts) == answer.message.content
    quiet = client.chat("guide:think", asking(QUESTION), think=False, options=GREEDY)
    assert not quiet.message.thinking


def test_chat_loads_and_unloads(client):
    assert client.chat("guide", keep_alive=300).done_reason == "load"
    assert client.chat("guide", [], keep_alive=0).done_reason == "unload"


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("model", "fields", "status", "text"),
    [
        ("nope", {}, 404, "model 'nope' not found"),
        ("guide", {"think": True}, 400, '"guide" does not support thinking'),
        ("embedder", {}, 400, '"embedder" does not support chat'),
        ("guide", {"options": {"stop": "x"}}, 500, 'option "stop" must be of type array'),
    ],
)
def test_chat_errors_have_their_status(client, stream, model, fields, status, text):
    with pytest.raises(ollama.ResponseError, match=text) as caught:
        list(client.chat(model, asking("Hi"), stream=stream, **fields))
    assert caught.value.status_code == status


def test_chat_with_a_model_that_sees_nothing(client):
    with pytest.raises(ollama.ResponseError, match="does not support vision") as caught:
        client.chat("guide", asking("What is this?", images=[b"\x89PNG"]))
    assert caught.value.status_code == 400
