"""Completions in OpenAI's form: what its fields ask of generate, the whole answer, the stream."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ollama_nb.errors import BadRequest, Busy
from ollama_nb.http.openai.completion_answer import CompletionTeller, completion
from ollama_nb.http.openai.completions import generate_request
from ollama_nb.wire import GenerateResponse, Logprob
from ollama_nb.wire.codec import decode_request, encode
from ollama_nb.wire.fold import fold_generate
from ollama_nb.wire.openai_types import CompletionRequest

NAMED = {"id": "cmpl-7", "created": 1_767_225_600, "model": "m"}
HEAD = (
    '{"id":"cmpl-7","object":"text_completion","created":1767225600,"model":"m",'
    '"system_fingerprint":"fp_ollama","choices":['
)


def requested(**fields):
    return generate_request(decode_request(json.dumps(fields).encode(), CompletionRequest))


def piece(response="", thinking="", logprobs=(), **fields):
    fields = {"done": False} | fields
    return GenerateResponse(
        model="m", created_at="", response=response, thinking=thinking,
        logprobs=list(logprobs), **fields,
    )  # fmt: skip


def last(response="", reason="stop", **fields):
    return piece(
        response, done=True, done_reason=reason, prompt_eval_count=3, eval_count=2, **fields
    )


def told(*chunks, include_usage=False):
    teller = CompletionTeller(dict(NAMED), include_usage=include_usage)
    events = b"".join(event for chunk in chunks for event in teller.tell(chunk)).decode()
    assert events.endswith("data: [DONE]\n\n")
    return [one.removeprefix("data: ") for one in events.split("\n\n")[:-2]]


def test_a_request():
    asked = requested(
        model="m", prompt="a", suffix="b", max_tokens=5, stop=["x", "y"], seed=1, stream=True
    )
    assert (asked.model, asked.prompt, asked.suffix, asked.stream) == ("m", "a", "b", True)
    assert {key: value for key, value in asked.options.items() if value is not None} == {
        "num_predict": 5, "temperature": 1.0, "top_p": 1.0, "seed": 1, "stop": ["x", "y"],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("stop", "kind"),
    [
        ([1], "float64"), (["a", 1.5], "float64"), ([None], "<nil>"), ([True], "bool"),
        ([[]], "[]interface {}"), ([{}], "map[string]interface {}"),
    ],
)  # fmt: skip
def test_stops_that_are_no_texts(stop, kind):
    with pytest.raises(BadRequest) as caught:
        requested(stop=stop)
    assert str(caught.value) == f"invalid type for 'stop' field: {kind}"


@pytest.mark.parametrize(("stop", "stops"), [("a", ["a"]), ([], None), (None, None), (5, None)])
def test_other_stops(stop, stops):
    assert requested(stop=stop).options["stop"] == stops


@pytest.mark.parametrize("prompt", [["a"], [1, 2], 7, {}])
def test_a_prompt_is_a_text(prompt):
    with pytest.raises(BadRequest):
        requested(prompt=prompt)


@pytest.mark.parametrize(
    ("logprobs", "asked"), [(None, (False, 0)), (0, (True, 0)), (3, (True, 3))]
)
def test_logprobs_are_a_number_of_alternatives(logprobs, asked):
    made = requested(logprobs=logprobs)
    assert (made.logprobs, made.top_logprobs) == asked


def test_a_whole_answer_golden():
    assert encode(completion(last("Hé"), dict(NAMED))).decode() == (
        HEAD + '{"text":"Hé","index":0,"finish_reason":"stop"}],'
        '"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}}'
    )


def test_a_stream_golden():
    assert told(piece("H"), last("é", "length")) == [
        HEAD + '{"text":"H","index":0,"finish_reason":null}]}',
        HEAD + '{"text":"é","index":0,"finish_reason":"length"}]}',
    ]


def test_usage_is_zero_until_the_end():
    nothing = '"usage":{"prompt_tokens":0,"completion_tokens":0,"total_tokens":0}}'
    assert told(piece("H"), last(), include_usage=True) == [
        HEAD + '{"text":"H","index":0,"finish_reason":null}],' + nothing,
        HEAD + '{"text":"","index":0,"finish_reason":"stop"}],' + nothing,
        HEAD + '],"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}}',
    ]


def test_logprobs_are_lists_and_offsets_count_from_the_beginning():
    likely = Logprob(token="b", logprob=-0.5, top_logprobs=[Logprob(token="c", logprob=-1.0)])
    first, second = (
        json.loads(data)["choices"][0]
        for data in told(piece("a"), last("bb", logprobs=[likely, likely]))
    )
    assert "logprobs" not in first
    assert second["logprobs"] == {
        "tokens": ["b", "b"],
        "token_logprobs": [-0.5, -0.5],
        "top_logprobs": [{"c": -1.0}, {"c": -1.0}],
        "text_offset": [1, 2],
    }


def test_a_failure_is_the_last_event():
    teller = CompletionTeller(dict(NAMED), include_usage=False)
    (failure,) = teller.fail(Busy())
    assert json.loads(failure.decode().removeprefix("data: "))["error"]["type"] == "api_error"


@given(st.lists(st.text(max_size=3)), st.text(max_size=3), st.booleans())
def test_the_stream_says_what_the_whole_answer_says(texts, end, include_usage):
    chunks = [*map(piece, texts), last(end)]
    answer = json.loads(encode(completion(fold_generate(chunks), dict(NAMED))))
    events = list(map(json.loads, told(*chunks, include_usage=include_usage)))
    choices = [one["choices"][0] for one in events if one["choices"]]
    assert "".join(one["text"] for one in choices) == answer["choices"][0]["text"]
    assert [one["finish_reason"] for one in choices] == [None] * len(texts) + ["stop"]
    assert (events[-1].get("usage") == answer["usage"]) is include_usage
