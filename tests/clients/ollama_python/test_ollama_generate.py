"""``generate`` of the official clients, with everything it takes."""

import json
import time

import ollama
import pytest
from pydantic import BaseModel

QUESTION = "How do I pull a model?"
GREEDY = {"temperature": 0, "num_predict": 40}


def test_generate(client):
    answer = client.generate("guide", QUESTION, options=GREEDY)
    assert isinstance(answer, ollama.GenerateResponse)
    assert "ollama pull" in answer.response
    assert (answer.model, answer.done, answer.done_reason) == ("guide", True, "stop")
    assert answer.prompt_eval_count > 0
    assert 0 < answer.eval_duration < answer.total_duration
    streamed = list(client.generate("guide", QUESTION, options=GREEDY, stream=True))
    assert "".join(part.response for part in streamed) == answer.response
    assert [part.done for part in streamed] == [False] * (len(streamed) - 1) + [True]
    assert (streamed[-1].eval_count, streamed[-1].context) == (answer.eval_count, answer.context)


def test_generate_goes_on_from_a_context(client):
    first = client.generate("guide", QUESTION, options=GREEDY)
    second = client.generate("guide", "And how do I remove it?", context=first.context)
    assert second.prompt_eval_count > len(first.context)


def test_generate_with_a_template_of_its_own(client):
    raw = client.generate("guide", QUESTION, raw=True, options=GREEDY)
    bare = client.generate("guide", QUESTION, template="{{ .Prompt }}", options=GREEDY)
    assert (raw.response, raw.prompt_eval_count) == (bare.response, bare.prompt_eval_count)
    with pytest.raises(ollama.ResponseError, match="raw mode does not support template, system"):
        client.generate("guide", QUESTION, raw=True, system="Be brief.")


def test_generate_between_two_texts(client):
    answer = client.generate("guide", "def add(a, b):\n    return ", "\n", options=GREEDY)
    assert "a + b" in answer.response


def test_generate_an_object(client):
    class Answer(BaseModel):
        name: str
        age: int

    answer = client.generate(
        "guide", "Ann is 30 years old.", format=Answer.model_json_schema(), options=GREEDY
    )
    assert isinstance(Answer.model_validate_json(answer.response), Answer)
    told = client.generate("guide", "Ann is 30.", format="json", options=GREEDY, stream=True)
    assert isinstance(json.loads("".join(part.response for part in told)), dict)


def test_generate_tells_how_likely_its_tokens_were(client):
    answer = client.generate("guide", QUESTION, logprobs=True, top_logprobs=2, options=GREEDY)
    assert "".join(one.token for one in answer.logprobs) == answer.response
    for one in answer.logprobs:
        assert [one.token, one.logprob] == [one.top_logprobs[0].token, one.top_logprobs[0].logprob]
        assert len(one.top_logprobs) == 2


def test_generate_thinks_first(client):
    answer = client.generate("guide:think", QUESTION, think=True)
    assert answer.thinking
    assert "<think>" not in answer.response
    parts = list(client.generate("guide:think", QUESTION, think=True, stream=True))
    assert parts[0].thinking
    with pytest.raises(ollama.ResponseError, match='"guide" does not support thinking') as caught:
        client.generate("guide", QUESTION, think=True)
    assert caught.value.status_code == 400


def test_generate_loads_and_unloads(client):
    loaded = client.generate("guide", keep_alive=300)
    assert (loaded.response, loaded.done_reason) == ("", "load")
    assert "guide:latest" in [model.model for model in client.ps().models]
    assert client.generate("guide", keep_alive=0).done_reason == "unload"
    end = time.monotonic() + 180
    while "guide:latest" in [model.model for model in client.ps().models]:
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("model", "options", "status", "text"),
    [
        ("nope", {}, 404, "model 'nope' not found"),
        ("a b", {}, 400, "invalid model name"),
        ("guide", {"stop": "x"}, 500, 'option "stop" must be of type array'),
    ],
)
def test_errors_have_their_status(client, stream, model, options, status, text):
    with pytest.raises(ollama.ResponseError) as caught:
        list(client.generate(model, QUESTION, options=options, stream=stream))
    assert (caught.value.status_code, caught.value.error) == (status, text)


def test_leaving_a_stream_frees_the_model(client):
    stream = client.generate("endless", "x", options={"num_ctx": 32_768}, stream=True)
    assert next(stream).done is False
    stream.close()
    # With one request at a time, as in these servers, the next one else would wait for minutes.
    options = {"num_ctx": 32_768, "num_predict": 2}
    assert client.generate("endless", "x", options=options).eval_count == 2
