"""Checks 47 to 52 of the contract (Ollama API, 17): embed and embeddings."""

import math

import pytest
from contract import JSON, QUESTION, embed, embeddings, error, loaded


@pytest.mark.parametrize("model", ["guide", "embedder"])
def test_47_embed(front, model):
    answer = embed(front, model=model, stream=True)
    assert answer.headers["content-type"] == JSON
    body = answer.json()
    assert list(body) == [
        "model", "embeddings", "total_duration", "load_duration", "prompt_eval_count",
    ]  # fmt: skip
    assert body["model"] == model
    (vector,) = body["embeddings"]
    assert math.hypot(*vector) == pytest.approx(1, abs=1e-3)
    assert body["total_duration"] > body["load_duration"] > 0
    pair = embed(front, model=model, input=["Other", QUESTION]).json()["embeddings"]
    assert pair[1] == pytest.approx(vector, abs=0.05)
    assert pair[0] != pytest.approx(vector, abs=0.05)


@pytest.mark.parametrize("nothing", ["", [], None])
def test_48_embed_nothing(front, nothing):
    answer = embed(front, input=nothing)
    assert answer.headers["content-type"] == JSON
    assert answer.json() == {"model": "guide", "embeddings": []}
    assert front.post("/api/embed", json={"model": "guide"}).json() == answer.json()
    assert "guide:latest" in loaded(front)


@pytest.mark.parametrize("wrong", [[1], 1, 0, False, {}, ["a", None]])
def test_49_embed_what_is_no_text(front, wrong):
    assert error(embed(front, 400, input=wrong)) == "invalid input type"
    assert error(embed(front, 400, input=wrong, model="nope")) == "invalid input type"


def test_50_dimensions(front):
    (vector,) = embed(front, dimensions=8).json()["embeddings"]
    assert len(vector) == 8
    assert math.hypot(*vector) == pytest.approx(1, abs=1e-3)


def test_51_embed_on_an_unknown_model(front):
    text = 'model "nope" not found, try pulling it first'
    assert error(embed(front, 404, model="nope")) == text
    assert error(embeddings(front, 404, model="nope")) == text
    assert error(embed(front, 404, model="")) == "model '' not found"
    assert error(embeddings(front, 400, model="")) == "model is required"


def test_52_embeddings(front):
    answer = embeddings(front)
    assert answer.headers["content-type"] == JSON
    body = answer.json()
    assert list(body) == ["embedding", "embeddings"]
    assert body["embedding"] == body["embeddings"]
    assert len(body["embedding"]) == 256
    unit = embed(front).json()["embeddings"][0]
    length = math.hypot(*body["embedding"])
    assert [number / length for number in body["embedding"]] == pytest.approx(unit, abs=1e-4)
    assert embeddings(front, prompt="").json() == {"embedding": [], "embeddings": []}


def test_embed_truncates_unless_told_otherwise(front):
    long = "word " * 3000
    assert embed(front, input=long).json()["prompt_eval_count"] == 2048
    text = "the input length exceeds the context length"
    assert error(embed(front, 400, input=long, truncate=False)) == text
