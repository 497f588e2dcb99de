"""Chat in OpenAI's form: what its fields ask of chat, the whole answer, and the stream."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ollama_nb.errors import BadRequest, EngineError
from ollama_nb.http.bodies import Events
from ollama_nb.http.openai.chat import chat_request
from ollama_nb.http.openai.chat_answer import chat_completion
from ollama_nb.http.openai.chat_chunks import ChatTeller
from ollama_nb.http.openai.identity import identity
from ollama_nb.service import Stream
from ollama_nb.wire import AnswerMessage, ChatResponse, FunctionCall, Logprob, ToolCall
from ollama_nb.wire.codec import decode_request, encode
from ollama_nb.wire.fold import fold_chat
from ollama_nb.wire.openai_chat_types import ChatCompletionRequest

NAMED = {"id": "chatcmpl-7", "created": 1_767_225_600, "model": "m"}
HEAD = '"created":1767225600,"model":"m","system_fingerprint":"fp_ollama"'
ASKED = {"messages": [{"role": "user", "content": "x"}]}
WEATHER = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}


def requested(**fields):
    """The chat that a request asks for."""
    return chat_request(decode_request(json.dumps(ASKED | fields).encode(), ChatCompletionRequest))


def piece(content="", thinking="", calls=(), logprobs=(), **fields):
    message = AnswerMessage(
        role="assistant", content=content, thinking=thinking, tool_calls=list(calls)
    )
    fields = {"done": False} | fields
    return ChatResponse(
        model="m", created_at="", message=message, logprobs=list(logprobs), **fields
    )


def last(*arguments, reason="stop", **fields):
    return piece(
        *arguments, done=True, done_reason=reason, prompt_eval_count=3, eval_count=2, **fields
    )


def call(index=0, **arguments):
    function = FunctionCall(index=index, name="weather", arguments=arguments)
    return ToolCall(id=f"call_{index}", function=function)


def told(*chunks, include_usage=False):
    """The data of every event of a stream, which ends with [DONE]."""
    teller = ChatTeller(dict(NAMED), include_usage=include_usage)
    events = b"".join(event for chunk in chunks for event in teller.tell(chunk)).decode()
    assert events.endswith("data: [DONE]\n\n")
    return [one.removeprefix("data: ") for one in events.split("\n\n")[:-2]]


def deltas(*chunks):
    """What the chunks add, and why the answer ended."""
    choices = [json.loads(data)["choices"][0] for data in told(*chunks)]
    return [one["delta"] for one in choices], choices[-1]["finish_reason"]


# The request.


def test_the_plainest_request():
    asked = requested(model="m")
    assert (asked.model, asked.stream, asked.format, asked.think) == ("m", False, None, None)
    assert {key: value for key, value in asked.options.items() if value is not None} == {
        "temperature": 1.0,
        "top_p": 1.0,
    }


def test_what_is_said_of_sampling():
    fields = {
        "temperature": 0, "top_p": 0.5, "seed": 7, "frequency_penalty": 0.1,
        "presence_penalty": -1, "max_tokens": 5, "stop": "\n",
    }  # fmt: skip
    assert requested(**fields).options == {
        "temperature": 0, "top_p": 0.5, "seed": 7, "frequency_penalty": 0.1,
        "presence_penalty": -1, "num_predict": 5, "stop": ["\n"],
    }  # fmt: skip


def test_the_newer_name_of_max_tokens_goes_first():
    assert requested(max_completion_tokens=3).options["num_predict"] == 3
    assert requested(max_completion_tokens=3, max_tokens=9).options["num_predict"] == 3


@pytest.mark.parametrize(
    ("stop", "stops"),
    [("a", ["a"]), (["a", "b"], ["a", "b"]), (["a", 1, None], ["a"]), ([], None), (7, None)],
)
def test_stops_are_texts(stop, stops):
    assert requested(stop=stop).options["stop"] == stops


def test_null_is_not_given():
    names = [field for field in ChatCompletionRequest.__struct_fields__ if field != "messages"]
    assert requested(**dict.fromkeys(names)) == requested()


@pytest.mark.parametrize("messages", [None, []])
def test_a_chat_without_messages(messages):
    with pytest.raises(BadRequest, match=r"^\[\] is too short - 'messages'$"):
        requested(messages=messages)


@pytest.mark.parametrize(
    ("form", "wanted"),
    [
        ({"type": "text"}, None),
        ({"type": "json_object"}, "json"),
        ({"type": " JSON_Object "}, "json"),
        (
            {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "array"}}},
            {"type": "array"},
        ),
        ({"type": "json_schema"}, None),
        ({"type": "json_schema", "json_schema": {"name": "n"}}, None),
        ({}, None),
    ],
)
def test_structured_answers(form, wanted):
    assert requested(response_format=form).format == wanted


@pytest.mark.parametrize(
    ("effort", "think"),
    [
        ("none", False), ("minimal", "low"), ("low", "low"), ("medium", "medium"),
        ("high", "high"), ("xhigh", "max"), ("max", "max"), ("ultra", "max"), ("", None),
    ],
)  # fmt: skip
def test_effort_is_thinking(effort, think):
    assert requested(reasoning_effort=effort).think == think
    assert requested(reasoning={"effort": effort}, reasoning_effort="high").think == think


def test_an_effort_that_nobody_knows():
    with pytest.raises(BadRequest) as caught:
        requested(reasoning_effort="huge")
    assert str(caught.value) == (
        'invalid reasoning value: "huge" (must be "none", "minimal", "low", "medium", "high", '
        '"xhigh", "max", or "ultra")'
    )


@pytest.mark.parametrize(
    "choice", ["none", "auto", "required", {"type": "function", "function": {"name": "weather"}}]
)
def test_tools_and_the_choice_among_them_go_on_to_chat(choice):
    asked = requested(tools=[WEATHER], tool_choice=choice)
    assert asked.tools[0].function.name == "weather"
    assert asked.tool_choice == choice


@pytest.mark.parametrize(
    "choice",
    [
        {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": "weather"}},
        {"type": "custom", "custom": {"name": "weather"}}, {}, {"function": "weather"}, "any", 7,
    ],
)  # fmt: skip
def test_a_choice_of_a_kind_that_is_not_known_is_none(choice):
    assert requested(tools=[WEATHER], tool_choice=choice).tool_choice is None


@pytest.mark.parametrize("mode", ["auto", "required"])
def test_a_choice_can_leave_some_of_the_tools(mode):
    clock = {"type": "function", "function": {"name": "time"}}
    some = {"mode": mode, "tools": [clock, {"type": "function", "function": {"name": "none"}}, 7]}
    choice = {"type": "allowed_tools", "allowed_tools": some}
    asked = requested(tools=[WEATHER, clock], tool_choice=choice)
    assert [one.function.name for one in asked.tools] == ["time"]
    assert asked.tool_choice == mode
    asked = requested(tools=[WEATHER], tool_choice=choice)
    assert (asked.tools, asked.tool_choice) == ([], None)


@pytest.mark.parametrize(
    "choice", ["required", {"type": "function", "function": {"name": "weather"}}]
)
@pytest.mark.parametrize("tools", [None, []])
def test_without_tools_there_is_no_choice(tools, choice):
    assert requested(tools=tools, tool_choice=choice).tool_choice is None


def test_logprobs():
    asked = requested(logprobs=True, top_logprobs=4)
    assert (asked.logprobs, asked.top_logprobs) == (True, 4)


@pytest.mark.parametrize(
    "fields",
    [
        {"max_tokens": "5"}, {"temperature": "hot"}, {"messages": "x"}, {"tools": [{}]},
        {"stream": "yes"}, {"logprobs": 3}, {"response_format": "json"},
    ],
)  # fmt: skip
def test_wrong_types_are_refused(fields):
    with pytest.raises(BadRequest):
        requested(**fields)


# The whole answer.


def whole(answer):
    return encode(chat_completion(answer, dict(NAMED))).decode()


def test_a_whole_answer_golden():
    assert whole(last("Hé")) == (
        '{"id":"chatcmpl-7","object":"chat.completion",' + HEAD + ',"choices":[{"index":0,'
        '"message":{"role":"assistant","content":"Hé"},"finish_reason":"stop"}],'
        '"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}}'
    )


def test_calls_golden():
    answer = last("", "hm", [call(city="Paris"), call(1)])
    assert json.loads(whole(answer))["choices"] == [
        {
            "index": 0,
            "message": {
                "role": "assistant",
                "content": "",
                "reasoning": "hm",
                "tool_calls": [
                    {
                        "id": "call_0",
                        "index": 0,
                        "type": "function",
                        "function": {"name": "weather", "arguments": '{"city":"Paris"}'},
                    },
                    {
                        "id": "call_1",
                        "index": 1,
                        "type": "function",
                        "function": {"name": "weather", "arguments": "{}"},
                    },
                ],
            },
            "finish_reason": "tool_calls",
        }
    ]


@pytest.mark.parametrize(
    ("reason", "calls", "told"),
    [
        ("stop", [], "stop"),
        ("length", [], "length"),
        ("stop", [call()], "tool_calls"),
        ("length", [call()], "length"),
        ("load", [], "stop"),
    ],
)
def test_why_it_ended(reason, calls, told):
    answer = last(calls=calls, reason=reason)
    assert json.loads(whole(answer))["choices"][0]["finish_reason"] == told
    assert deltas(answer)[1] == told


LIKELY = Logprob(
    token="H",
    logprob=-0.5,
    bytes=[72],
    top_logprobs=[Logprob(token="é", logprob=-1.0, bytes=[195])],
)


def test_logprobs_are_whole_objects():
    answer = last("H", logprobs=[LIKELY, Logprob(token="", logprob=-2.0)])
    assert json.loads(whole(answer))["choices"][0]["logprobs"] == {
        "content": [
            {
                "token": "H",
                "logprob": -0.5,
                "bytes": [72],
                "top_logprobs": [{"token": "é", "logprob": -1.0, "bytes": [195]}],
            },
            {"token": "", "logprob": -2.0, "bytes": [], "top_logprobs": []},
        ]
    }


def test_answers_have_ids_of_their_own():
    first, second = identity("chatcmpl", "m"), identity("chatcmpl", "m")
    assert first["id"].startswith("chatcmpl-")
    assert first["id"] != second["id"]
    assert first["id"].removeprefix("chatcmpl-").isdigit()


# The stream.


def test_a_stream_golden():
    chunk = '{"id":"chatcmpl-7","object":"chat.completion.chunk",' + HEAD + ',"choices":['
    assert told(piece("H"), piece("é"), last(), include_usage=True) == [
        chunk + '{"index":0,"delta":{"role":"assistant","content":"H"},"finish_reason":null}]}',
        chunk + '{"index":0,"delta":{"content":"é"},"finish_reason":null}]}',
        chunk + '{"index":0,"delta":{},"finish_reason":"stop"}]}',
        chunk + '],"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}}',
    ]


def test_usage_is_told_only_where_it_was_asked_for():
    assert all("usage" not in json.loads(data) for data in told(piece("x"), last()))


def test_what_the_last_piece_holds_comes_before_the_end():
    assert deltas(piece("a"), last("b"))[0] == [
        {"role": "assistant", "content": "a"},
        {"content": "b"},
        {},
    ]


def test_an_empty_answer_has_a_role_too():
    assert deltas(last(reason="length")) == ([{"role": "assistant", "content": ""}, {}], "length")


def test_reasoning_comes_before_the_text_of_its_piece():
    assert deltas(piece("", "h"), piece("4", "m"), last())[0] == [
        {"role": "assistant", "content": "", "reasoning": "h"},
        {"reasoning": "m"},
        {"content": "4"},
        {},
    ]


def test_a_call_is_sent_whole():
    sent, reason = deltas(piece("Well. "), piece(calls=[call(city="Paris")]), last())
    assert sent[1] == {
        "content": "",
        "tool_calls": [
            {
                "id": "call_0",
                "index": 0,
                "type": "function",
                "function": {"name": "weather", "arguments": '{"city":"Paris"}'},
            }
        ],
    }
    assert reason == "tool_calls"


def test_logprobs_of_held_back_text_are_sent_all_the_same():
    first, second, end = (
        json.loads(data)["choices"][0]
        for data in told(piece(logprobs=[LIKELY]), piece("x", "h"), last())[::1]
        if "reasoning" not in data
    )
    assert first["delta"]["content"] == ""
    assert first["logprobs"]["content"][0]["token"] == "H"
    assert "logprobs" not in second
    assert "logprobs" not in end


def test_logprobs_of_a_split_piece_are_sent_once():
    choices = [
        json.loads(data)["choices"][0] for data in told(piece("x", "h", logprobs=[LIKELY]), last())
    ]
    assert ["logprobs" in one for one in choices] == [False, True, False]


def stream_of(*events):
    stream = Stream(lambda chunk: [chunk], fold_chat)
    for event in events:
        stream.put(event)
    return Events(stream, ChatTeller(dict(NAMED), include_usage=False))


def test_a_failure_after_the_first_chunk_is_the_last_event():
    *_, failure = stream_of(piece("x"), EngineError("broken"))
    assert failure == (
        b'data: {"error":{"message":"broken","type":"api_error","param":null,"code":null}}\n\n'
    )


def test_a_failure_before_it_is_raised():
    with pytest.raises(EngineError, match="broken"):
        list(stream_of(EngineError("broken")))


_text = st.text(max_size=3)
_pieces = st.builds(
    piece,
    _text,
    _text,
    st.lists(st.builds(call, st.integers(0, 9), city=_text), max_size=2),
)


@given(st.lists(_pieces), _pieces)
def test_the_stream_says_what_the_whole_answer_says(pieces, end):
    end = last(end.message.content, end.message.thinking, end.message.tool_calls)
    answer = json.loads(whole(fold_chat([*pieces, end])))["choices"][0]
    choices = [json.loads(data)["choices"][0] for data in told(*pieces, end)]
    sent = [one["delta"] for one in choices]
    assert sent[-1] == {}
    assert [one.get("role") for one in sent] == ["assistant"] + [None] * (len(sent) - 1)
    assert {one["finish_reason"] for one in choices[:-1]} == {None}
    assert choices[-1]["finish_reason"] == answer["finish_reason"]
    joined = {name: "".join(one.get(name, "") for one in sent) for name in ("content", "reasoning")}
    message = answer["message"]
    assert joined == {"content": message["content"], "reasoning": message.get("reasoning", "")}
    calls = [call for one in sent for call in one.get("tool_calls", [])]
    assert calls == message.get("tool_calls", [])
