"""Checks 68 to 72 of the contract (Ollama API, 17): the routes of other vendors' clients (14)."""

import array
import base64
import json
import re

import pytest
from contract import GREEDY, QUESTION, chatted, embed, tags

COMPLETIONS = "/v1/chat/completions"
MESSAGES = [{"role": "user", "content": QUESTION}]
ASKED = {"model": "guide", "messages": MESSAGES, "temperature": 0}


def events(answer):
    """The payloads of server-sent events, with the names that they have."""
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.headers["x-accel-buffering"] == "no"
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.text.endswith("\n\n")
    told = []
    for frame in answer.text.removesuffix("\n\n").split("\n\n"):
        name, data = re.fullmatch(r"(?:event: (\S+)\n)?data: (.+)", frame).groups()
        told.append((name, data if data == "[DONE]" else json.loads(data)))
    return told


@pytest.mark.parametrize("usage", [True, False])
def test_68_a_stream_of_chunks(front, usage):
    options = {"stream_options": {"include_usage": True}} if usage else {}
    answer = front.post(COMPLETIONS, json=ASKED | {"stream": True} | options)
    names, chunks = zip(*events(answer), strict=True)
    assert set(names) == {None}
    assert chunks[-1] == "[DONE]"
    chunks = list(chunks[:-1])
    if usage:
        last = chunks.pop()
        assert last["choices"] == []
        counts = last["usage"]
        assert counts["total_tokens"] == counts["prompt_tokens"] + counts["completion_tokens"]
    assert not any("usage" in chunk for chunk in chunks)
    choices = [chunk["choices"][0] for chunk in chunks]
    assert choices[0]["delta"]["role"] == "assistant"
    assert not any("role" in choice["delta"] for choice in choices[1:])
    assert (choices[-1]["delta"], choices[-1]["finish_reason"]) == ({}, "stop")
    assert {choice["finish_reason"] for choice in choices[:-1]} == {None}
    assert len({(chunk["id"], chunk["created"], chunk["object"]) for chunk in chunks}) == 1
    text = "".join(choice["delta"].get("content", "") for choice in choices)
    assert text == chatted(front, options=GREEDY)["message"]["content"]
    whole = front.post(COMPLETIONS, json=ASKED).json()
    assert whole["choices"][0]["message"]["content"] == text


@pytest.mark.parametrize("stream", [True, False])
def test_69_an_unknown_model(front, stream):
    answer = front.post(COMPLETIONS, json=ASKED | {"model": "nope", "stream": stream})
    assert answer.status_code == 404
    assert "application/json" in answer.headers["content-type"]
    assert answer.json() == {
        "error": {
            "message": "model 'nope' not found",
            "type": "not_found_error",
            "param": None,
            "code": None,
        }
    }


def test_69_no_body(front):
    answer = front.post(COMPLETIONS, content=b"")
    assert (answer.status_code, answer.json()["error"]["message"]) == (400, "EOF")


@pytest.mark.parametrize("model", ["guide", "embedder"])
def test_70_embeddings_as_base64(front, model):
    asked = {"model": model, "input": [QUESTION, "Other"]}
    plain, packed = (
        front.post("/v1/embeddings", json=asked | {"encoding_format": kind}).json()
        for kind in ("float", "base64")
    )
    assert [entry["index"] for entry in plain["data"]] == [0, 1]
    for floats, text in zip(plain["data"], packed["data"], strict=True):
        decoded = array.array("f", base64.b64decode(text["embedding"]))
        assert list(decoded) == pytest.approx(floats["embedding"], abs=1e-6)
    vector = embed(front, model=model).json()["embeddings"][0]
    assert plain["data"][0]["embedding"] == pytest.approx(vector, abs=0.05)


def test_71_models(front):
    listed = front.get("/v1/models").json()
    assert listed["object"] == "list"
    assert [model["id"] for model in listed["data"]] == list(tags(front))
    for model in listed["data"]:
        assert list(model) == ["id", "object", "created", "owned_by"]
        assert (model["object"], model["owned_by"]) == ("model", "library")
    one = front.get("/v1/models/guide").json()
    assert (one["id"], one["object"]) == ("guide", "model")
    missing = front.get("/v1/models/nope")
    assert (missing.status_code, missing.json()["error"]["type"]) == (404, "not_found_error")


@pytest.mark.parametrize("tokens", [None, 0, -1])
def test_72_messages_need_max_tokens(front, tokens):
    answer = front.post(
        "/v1/messages", json={"model": "guide", "messages": MESSAGES, "max_tokens": tokens}
    )
    assert answer.status_code == 400
    body = answer.json()
    assert body["type"] == "error"
    assert body["error"] == {
        "type": "invalid_request_error",
        "message": "max_tokens is required and must be positive",
    }


def test_72_messages_in_events(front):
    asked = {"model": "guide", "messages": MESSAGES, "max_tokens": 100, "temperature": 0}
    told = events(front.post("/v1/messages", json=asked | {"stream": True}))
    assert all(name == event["type"] for name, event in told)
    kinds = [name for name, _ in told if name != "content_block_delta"]
    assert kinds == [
        "message_start", "content_block_start", "content_block_stop", "message_delta",
        "message_stop",
    ]  # fmt: skip
    (first, *_), *_, (_, last), _ = told
    assert first == "message_start"
    assert last["delta"]["stop_reason"] == "end_turn"
    text = "".join(event["delta"]["text"] for name, event in told if name == "content_block_delta")
    whole = front.post("/v1/messages", json=asked).json()
    assert whole["content"] == [{"type": "text", "text": text}]
    assert text == chatted(front, options=GREEDY)["message"]["content"]
