"""Checks 38 to 46 of the contract (Ollama API, 17): chat, tools, thinking."""

import datetime
import json
import re

import pytest
from contract import FULL_NAME, GREEDY, JSON, chat, chatted, error, lines, loaded, post

LAST = [
    "total_duration", "load_duration", "prompt_eval_count", "prompt_eval_duration", "eval_count",
    "eval_duration",
]  # fmt: skip
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Get the current weather in a city.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string", "description": "The city"}},
            "required": ["city"],
        },
    },
}


def user(text):
    return [{"role": "user", "content": text}]


@pytest.mark.parametrize(
    ("fields", "status", "text"),
    [
        ({"model": ""}, 400, "model is required"),
        ({"model": None}, 400, "model is required"),
        ({"model": "a b"}, 400, "invalid model name"),
        ({"model": "nope"}, 404, "model 'nope' not found"),
        ({"model": "embedder"}, 400, '"embedder" does not support chat'),
        ({"top_logprobs": 21}, 400, "top_logprobs must be between 0 and 20"),
        ({"keep_alive": "1d"}, 400, 'time: unknown unit "d" in duration "1d"'),
        ({"options": {"top_k": "x"}}, 500, 'option "top_k" must be of type integer'),
        ({"format": "xml"}, 500,
         'invalid format: "xml"; expected "json" or a valid JSON Schema object'),
    ],
)  # fmt: skip
def test_38_what_is_wrong_has_its_status_and_text(front, fields, status, text):
    assert error(chat(front, status, **fields)) == text


def test_38_no_model(front):
    assert error(post(front, "/api/chat", {}, 400)) == "model is required"


def test_39_lines(front):
    answer = chat(front, options=GREEDY)
    assert answer.headers["x-accel-buffering"] == "no"
    *before, last = lines(answer)
    assert before
    for line in before:
        assert list(line) == ["model", "created_at", "message", "done"]
        assert list(line["message"]) == ["role", "content"]
        assert line["message"]["role"] == "assistant"
        assert line["done"] is False
    assert list(last) == ["model", "created_at", "message", "done", "done_reason", *LAST]
    assert last["message"]["role"] == "assistant"
    assert (last["model"], last["done"], last["done_reason"]) == ("guide", True, "stop")
    whole = chatted(front, options=GREEDY)
    assert list(whole) == list(last)
    assert whole["message"] == {
        "role": "assistant",
        "content": "".join(line["message"]["content"] for line in (*before, last)),
    }


@pytest.mark.parametrize("messages", [[], None])
def test_40_load(front, messages):
    answer = post(front, "/api/chat", {"model": "guide", "messages": messages})
    assert answer.headers["content-type"] == JSON
    body = answer.json()
    assert datetime.datetime.fromisoformat(body.pop("created_at")).utcoffset().seconds == 0
    assert body == {
        "model": "guide",
        "message": {"role": "assistant", "content": ""},
        "done": True,
        "done_reason": "load",
    }
    assert "guide:latest" in loaded(front)


def test_40_unload(front):
    body = post(front, "/api/chat", {"model": "guide:think", "keep_alive": 0}).json()
    assert (body["done_reason"], body["message"]["content"]) == ("unload", "")


@pytest.mark.parametrize("content", [[{"type": "text", "text": "hi"}], 1, {}])
def test_41_content_that_is_no_text(front, content):
    assert error(chat(front, 400, messages=[{"role": "user", "content": content}]))


def test_41_null_and_absent_content_are_empty(front):
    for message in ({"role": "user"}, {"ROLE": "User", "Content": None, "images": None}):
        messages = [message, *user("hello")]
        assert chatted(front, messages=messages, options={"num_predict": 1})["eval_count"] == 1


def test_42_tools_on_a_model_without_them(front):
    answer = chat(front, 400, model="endless", tools=[WEATHER])
    assert error(answer) == f"{FULL_NAME.format('endless')} does not support tools"
    chat(front, model="endless", tools=[], options={"num_predict": 1})


@pytest.mark.parametrize("stream", [True, False])
def test_43_a_call(front, stream):
    question = user("What is the weather in Paris?")
    answer = chat(front, messages=question, tools=[WEATHER], options=GREEDY, stream=stream)
    told = lines(answer) if stream else [answer.json()]
    (call,) = [call for one in told for call in one["message"].get("tool_calls", ())]
    assert list(call) == ["id", "function"]
    assert re.fullmatch("call_[a-z0-9]{8}", call["id"])
    assert list(call["function"]) == ["index", "name", "arguments"]
    assert call["function"] == {"index": 0, "name": "get_weather", "arguments": {"city": "Paris"}}
    assert told[-1]["done_reason"] == "stop"


@pytest.mark.parametrize("named", [{"tool_name": "get_weather"}, {"tool_call_id": "call_abcdefgh"}])
def test_43_a_result_goes_back(front, named):
    call = {
        "id": "call_abcdefgh",
        "function": {"name": "get_weather", "arguments": {"city": "Paris"}},
    }
    messages = [
        *user("What is the weather in Paris?"),
        {"role": "assistant", "content": "", "tool_calls": [call]},
        {"role": "tool", "content": "11 degrees, rain", **named},
    ]
    answer = chatted(front, messages=messages, tools=[WEATHER], options=GREEDY)
    assert answer["message"]["content"]


def test_43_arguments_are_an_object(front):
    call = {"function": {"name": "get_weather", "arguments": json.dumps({"city": "Paris"})}}
    messages = [*user("x"), {"role": "assistant", "tool_calls": [call]}]
    assert error(chat(front, 400, messages=messages))


@pytest.mark.parametrize("think", [True, "low"])
def test_44_think_on_a_model_that_does_not(front, think):
    assert error(chat(front, 400, model="endless", think=think)) == (
        '"endless" does not support thinking'
    )


def test_44_think_false_is_always_fine(front):
    for model in ("endless", "guide", "guide:think"):
        answer = chatted(front, model=model, think=False, options={"num_predict": 3})
        assert "thinking" not in answer["message"]


@pytest.mark.parametrize("fields", [{"think": True}, {}, {"think": "high"}])
@pytest.mark.parametrize("stream", [True, False])
def test_45_thinking(front, fields, stream):
    answer = chat(front, model="guide:think", options=GREEDY, stream=stream, **fields)
    told = lines(answer) if stream else [answer.json()]
    content = "".join(one["message"]["content"] for one in told)
    thinking = "".join(one["message"].get("thinking", "") for one in told)
    assert thinking
    assert content
    assert not re.search("</?think>", content + thinking)
    assert all(one["message"].get("thinking") != "" for one in told)


@pytest.mark.parametrize("think", ["extreme", 1, []])
def test_46_think_that_is_none(front, think):
    text = error(chat(front, 400, think=think))
    assert text.endswith('"high", "medium", "low", "max", true, or false)')
