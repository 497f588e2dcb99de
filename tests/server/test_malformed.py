"""Every malformed request of the contract, with its status and text, on every front."""

import json

import pytest

GUIDE = {"model": "guide", "prompt": "hi"}


def body(**fields):
    return json.dumps(GUIDE | fields)


# (body, status, text; the text of malformed JSON is free)
CASES = [
    ("", 400, "missing request body"),
    (" \r\n\t", 400, "missing request body"),
    ("{", 400, None),
    ("[]", 400, None),
    ('"x"', 400, None),
    ("1", 400, None),
    ("NaN", 400, None),
    ("xyz", 400, None),
    ('{"model":"guide"', 400, None),
    ("[" * 100_000, 400, None),
    ('{"model":' * 200 + "1" + "}" * 200, 400, None),
    ("null", 404, "model '' not found"),
    ("{} trailing", 404, "model '' not found"),
    ('{"model":"nope"}{"model":"guide"}', 404, "model 'nope' not found"),
    ('{"model":"guide","MODEL":"nope"}', 404, "model 'nope' not found"),
    ('{"name":"nope"}', 404, "model 'nope' not found"),
    ('{"name":"guide","model":"nope"}', 404, "model 'nope' not found"),
    (body(model=1), 400, None),
    (body(model=["guide"]), 400, None),
    (body(prompt=1), 400, None),
    (body(system=1), 400, None),
    (body(stream="yes"), 400, None),
    (body(raw=1), 400, None),
    (body(context="x"), 400, None),
    (body(context=["x"]), 400, None),
    (body(images="x"), 400, None),
    (body(options=[]), 400, None),
    (body(options="x"), 400, None),
    (body(top_logprobs="x"), 400, None),
    (body(top_logprobs=21), 400, "top_logprobs must be between 0 and 20"),
    (body(top_logprobs=-1, model="nope"), 400, "top_logprobs must be between 0 and 20"),
    (body(model="a b"), 400, "invalid model name"),
    (body(model="model:"), 400, "invalid model name"),
    (body(model="../x"), 400, "invalid model name"),
    (body(model="a//b"), 400, "invalid model name"),
    (body(model="x" * 81), 400, "invalid model name"),
    (body(model="x" * 80), 404, f"model '{'x' * 80}' not found"),
    (body(model="hf.co/a/b:q4"), 404, "model 'hf.co/a/b:q4' not found"),
    (body(model="guide:nope"), 404, "model 'guide:nope' not found"),
    (body(model="x:cloud"), 403, "ollama cloud is disabled: remote model is unavailable"),
    (body(model="x:1-cloud"), 403, "ollama cloud is disabled: remote model is unavailable"),
    (body(keep_alive="1d"), 400, 'time: unknown unit "d" in duration "1d"'),
    (body(keep_alive=True), 400, "Unsupported type: 'bool'"),
    (body(think="extreme"), 400, None),
    (body(think=1), 400, None),
    (body(model="endless", think=True), 400, '"endless" does not support thinking'),
    (body(model="embedder"), 400, '"embedder" does not support generate'),
    (body(raw=True, system="x"), 400, "raw mode does not support template, system, or context"),
    (body(format=1), 500, 'invalid format: 1; expected "json" or a valid JSON Schema object'),
    (body(format=["a"]), 500,
     'invalid format: ["a"]; expected "json" or a valid JSON Schema object'),
    (body(options={"top_k": "x"}), 500, 'option "top_k" must be of type integer'),
    (body(options={"top_k": "x"}, format=1), 500, 'option "top_k" must be of type integer'),
]  # fmt: skip


@pytest.mark.parametrize(
    ("content", "status", "text"), CASES, ids=[case[0][:40] or "empty" for case in CASES]
)
def test_malformed(front, content, status, text):
    refused(front.post("/api/generate", content=content), status, text)


def refused(answer, status, text):
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    (error,) = answer.json().values()
    assert error
    if text is not None:
        assert error == text


EMBED_CASES = [
    ("", 400, "missing request body"),
    ("{", 400, None),
    ("[]", 400, None),
    ("null", 404, "model '' not found"),
    ('{"model":1}', 400, None),
    ('{"model":"guide","input":1}', 400, "invalid input type"),
    ('{"model":"guide","input":[["a"]]}', 400, "invalid input type"),
    ('{"model":"guide","input":"a","truncate":"x"}', 400, None),
    ('{"model":"guide","input":"a","dimensions":"x"}', 400, None),
    ('{"model":"guide","input":"a","dimensions":1.5}', 400, None),
    ('{"model":"guide","input":"a","options":[]}', 400, None),
    ('{"model":"guide","input":"a","options":{"num_ctx":"x"}}', 500,
     'option "num_ctx" must be of type integer'),
    ('{"model":"guide","input":"a","keep_alive":"5"}', 400,
     'time: missing unit in duration "5"'),
    ('{"model":"a b","input":"a"}', 400, "invalid model name"),
    ('{"name":"nope","input":"a"}', 404, 'model "nope" not found, try pulling it first'),
    ('{"model":"x:cloud","input":"a"}', 403,
     "ollama cloud is disabled: remote model is unavailable"),
    (json.dumps({"model": "guide", "input": ["a"] * 2049}), 400,
     "input has 2049 texts, at most 2048 are taken"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("content", "status", "text"),
    EMBED_CASES,
    ids=[case[0][:40] or "empty" for case in EMBED_CASES],
)
def test_malformed_embed(front, content, status, text):
    refused(front.post("/api/embed", content=content), status, text)


@pytest.mark.parametrize(
    ("content", "status", "text"),
    [
        ("", 400, "missing request body"),
        ("{}", 400, "model is required"),
        ('{"model":"guide","prompt":["a"]}', 400, None),
        ('{"model":"guide","prompt":"a","keep_alive":true}', 400, "Unsupported type: 'bool'"),
        ('{"model":"a b","prompt":"a"}', 400, "invalid model name"),
    ],
)
def test_malformed_embeddings(front, content, status, text):
    refused(front.post("/api/embeddings", content=content), status, text)
