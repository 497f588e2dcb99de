"""``embed`` and ``embeddings`` of the official clients."""

import math

import ollama
import pytest

QUESTION = "How do I pull a model?"


def test_embed(client):
    answer = client.embed("guide", [QUESTION, "What is a token?"], dimensions=16)
    assert isinstance(answer, ollama.EmbedResponse)
    assert [len(vector) for vector in answer.embeddings] == [16, 16]
    assert math.hypot(*answer.embeddings[0]) == pytest.approx(1, abs=1e-3)
    assert (answer.model, answer.prompt_eval_count > 0) == ("guide", True)
    assert 0 < answer.load_duration < answer.total_duration
    (whole,) = client.embed("guide", QUESTION, truncate=False, keep_alive="5m").embeddings
    assert len(whole) == 256
    (alone,) = client.embed("embedder", "x", options={"num_ctx": 64}).embeddings
    assert len(alone) == 64


def test_embed_errors_have_their_status(client):
    text = 'model "nope" not found, try pulling it first'
    for ask in (client.embed, client.embeddings):
        with pytest.raises(ollama.ResponseError) as caught:
            ask("nope", QUESTION)
        assert (caught.value.status_code, caught.value.error) == (404, text)
    with pytest.raises(ollama.ResponseError, match="input length exceeds the context") as caught:
        client.embed("guide", "word " * 3000, truncate=False)
    assert caught.value.status_code == 400


def test_embeddings(client):
    answer = client.embeddings("guide", QUESTION)
    assert isinstance(answer, ollama.EmbeddingsResponse)
    assert len(answer.embedding) == 256
    assert abs(math.hypot(*answer.embedding) - 1) > 0.01
    assert client.embeddings("guide", "").embedding == []
