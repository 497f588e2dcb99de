"""Checks 13 to 37 of the contract (Ollama API, 17): generate, keep_alive, options, logprobs."""

import datetime
import json
import time

import pytest
from contract import (
    FULL_NAME,
    GREEDY,
    JSON,
    error,
    generate,
    generated,
    lines,
    loaded,
)

SCHEMA = {
    "type": "object",
    "properties": {"name": {"type": "string", "maxLength": 8}, "size": {"enum": [1, 2]}},
    "required": ["name", "size"],
    "additionalProperties": False,
}


def test_13_lines(front):
    answer = generate(front, options=GREEDY)
    assert answer.headers["x-accel-buffering"] == "no"
    assert answer.headers["cache-control"] == "no-cache"
    *before, last = lines(answer)
    assert before
    for line in before:
        assert list(line) == ["model", "created_at", "response", "done"]
        assert line["done"] is False
    assert last["done"] is True
    assert {"done_reason", "context", "eval_count", "total_duration"} <= last.keys()


def test_14_joined_lines_are_the_generated(front):
    streamed = lines(generate(front, options=GREEDY | {"seed": 1}))
    assert (
        "".join(line["response"] for line in streamed)
        == (generated(front, options=GREEDY | {"seed": 1})["response"])
    )


def test_15_durations(front):
    answer = generate(front, stream=False)
    assert "application/json" in answer.headers["content-type"]
    assert not answer.text.endswith("\n")
    body = answer.json()
    names = ("load_duration", "prompt_eval_duration", "eval_duration")
    assert all(isinstance(body[name], int) and body[name] > 0 for name in names)
    assert body["total_duration"] > max(body[name] for name in names)


@pytest.mark.parametrize("name", ["guide", "guide:latest", "Guide", " guide ", "library/guide"])
def test_16_model_is_echoed(front, name):
    answer = generate(front, model=name, options={"num_predict": 2})
    assert {line["model"] for line in lines(answer)} == {name}


def test_17_load(front):
    answer = front.post("/api/generate", json={"model": "guide"})
    assert answer.headers["content-type"] == JSON
    body = answer.json()
    assert datetime.datetime.fromisoformat(body.pop("created_at")).utcoffset().seconds == 0
    assert body == {"model": "guide", "response": "", "done": True, "done_reason": "load"}
    assert "guide:latest" in loaded(front)


def test_18_unload(front):
    front.post("/api/generate", json={"model": "guide:think"})
    answer = front.post("/api/generate", json={"model": "guide:think", "keep_alive": 0})
    assert answer.json()["done_reason"] == "unload"
    end = time.monotonic() + 180
    while "guide:think" in loaded(front):
        assert time.monotonic() < end


def seconds_left(front):
    expires = datetime.datetime.fromisoformat(loaded(front)["guide:latest"]["expires_at"])
    return (expires - datetime.datetime.now(datetime.UTC)).total_seconds()


def test_19_keep_alive(front):
    front.post("/api/generate", json={"model": "guide", "keep_alive": "10m"})
    assert 500 < seconds_left(front) <= 600


def test_20_keep_alive_forever(front):
    front.post("/api/generate", json={"model": "guide", "keep_alive": -1})
    assert seconds_left(front) > 100 * 365 * 86_400


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("5", 'time: missing unit in duration "5"'),
        ("-1", 'time: missing unit in duration "-1"'),
        ("1d", 'time: unknown unit "d" in duration "1d"'),
        ("abc", 'time: invalid duration "abc"'),
        ("", 'time: invalid duration ""'),
        (True, "Unsupported type: 'bool'"),
        ([1], "Unsupported type: '[]interface {}'"),
        ({}, "Unsupported type: 'map[string]interface {}'"),
    ],
)
def test_21_keep_alive_that_is_none(front, value, text):
    assert error(generate(front, 400, keep_alive=value)) == text


@pytest.mark.parametrize("extra", [{"system": "x"}, {"template": "x"}, {"context": [1]}])
def test_22_raw_excludes(front, extra):
    text = "raw mode does not support template, system, or context"
    assert error(generate(front, 400, raw=True, **extra)) == text


def test_23_raw_has_no_context(front):
    assert "context" not in generated(front, raw=True, options={"num_predict": 3})


def test_24_context_continues(front):
    options = {"num_predict": 8}
    first = generated(front, options=options)
    second = generated(front, options=options, context=first["context"])
    assert second["prompt_eval_count"] > first["prompt_eval_count"]


def test_25_suffix_without_the_ability(front):
    answer = generate(front, 400, model="endless", suffix="x")
    assert error(answer) == f"{FULL_NAME.format('endless')} does not support insert"


def test_26_generate_on_an_embedding_model(front):
    text = '"embedder" does not support generate'
    assert error(generate(front, 400, model="embedder")) == text


@pytest.mark.parametrize("format", ["json", SCHEMA])
def test_27_and_28_structured_output(front, format):
    answer = generated(front, prompt="Give me JSON.", format=format, options={"num_predict": 200})
    written = json.loads(answer["response"])
    assert isinstance(written, dict)
    if format is SCHEMA:
        assert set(written) == {"name", "size"}
        assert written["size"] in (1, 2)
        assert len(written["name"]) <= 8


def test_29_format_that_is_none(front):
    text = 'invalid format: "xml"; expected "json" or a valid JSON Schema object'
    assert error(generate(front, 500, format="xml")) == text


def test_30_num_predict(front):
    body = generated(front, options={"num_predict": 3})
    assert (body["eval_count"], body["done_reason"]) == (3, "length")


def test_31_unknown_option(front):
    generate(front, options={"bogus": 1, "num_predict": 1})


@pytest.mark.parametrize(
    ("option", "expected"),
    [
        ({"temperature": "hot"}, 'option "temperature" must be of type float32'),
        ({"num_ctx": "4096"}, 'option "num_ctx" must be of type integer'),
        ({"seed": True}, 'option "seed" must be of type integer'),
        ({"use_mmap": 1}, 'option "use_mmap" must be of type boolean'),
        ({"stop": "x"}, 'option "stop" must be of type array'),
        ({"stop": ["x", 1]}, 'option "stop" must be of an array of strings'),
    ],
)
def test_32_option_of_a_wrong_type(front, option, expected):
    assert error(generate(front, 500, options=option)) == expected


def test_33_stop(front):
    text = generated(front, options=GREEDY)["response"]
    stop = text[3:6]
    cut = generated(front, options=GREEDY | {"stop": [stop]})
    assert cut["response"] == text.partition(stop)[0]
    assert cut["done_reason"] == "stop"


def test_34_every_option_of_the_older_documents(front):
    options = {
        "num_keep": 5, "seed": 42, "num_predict": 4, "top_k": 20, "top_p": 0.9, "min_p": 0.0,
        "tfs_z": 0.5, "typical_p": 0.7, "repeat_last_n": 33, "temperature": 0.8,
        "repeat_penalty": 1.2, "presence_penalty": 1.5, "frequency_penalty": 1.0, "mirostat": 1,
        "mirostat_tau": 0.8, "mirostat_eta": 0.6, "penalize_newline": True, "stop": ["\n", "user:"],
        "numa": False, "num_ctx": 1024, "num_batch": 2, "num_gqa": 1, "num_gpu": 1, "main_gpu": 0,
        "low_vram": False, "f16_kv": True, "vocab_only": False, "use_mmap": True,
        "use_mlock": False, "embedding_only": False, "rope_frequency_base": 1.1,
        "rope_frequency_scale": 0.8, "num_thread": 2, "logits_all": False,
    }  # fmt: skip
    generate(front, options=options)
    generate(front, options=dict.fromkeys(options) | {"num_predict": 1})


def test_35_seed(front):
    options = {"seed": 7, "temperature": 0.8, "num_predict": 20}
    assert (
        generated(front, options=options)["response"]
        == generated(front, options=options)["response"]
    )


@pytest.mark.parametrize("number", [-1, 21])
def test_36_top_logprobs(front, number):
    text = "top_logprobs must be between 0 and 20"
    assert error(generate(front, 400, top_logprobs=number)) == text


@pytest.mark.parametrize("stream", [True, False])
def test_37_logprobs(front, stream):
    options = GREEDY | {"num_predict": 4}
    answer = generate(front, logprobs=True, top_logprobs=2, options=options, stream=stream)
    told = lines(answer) if stream else [answer.json()]
    entries = [entry for one in told for entry in one.get("logprobs", ())]
    assert len(entries) == 4
    for entry in entries:
        assert list(entry) == ["token", "logprob", "bytes", "top_logprobs"]
        assert bytes(entry["bytes"]).decode() == entry["token"]
        assert entry["logprob"] <= 0
        assert len(entry["top_logprobs"]) == 2
        assert entry["top_logprobs"][0]["token"] == entry["token"]
    assert "".join(one["token"] for one in entries) == "".join(one["response"] for one in told)
    assert "logprobs" not in generated(front, top_logprobs=2, options=options)
