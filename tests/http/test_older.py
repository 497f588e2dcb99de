"""What only older generations sent: there for their clients, and gone where strictness is asked."""

import json
from dataclasses import replace

import pytest

from ollama_nb.http import Request, handle
from ollama_nb.service import Service
from ollama_nb.settings import Settings

GENERATE = {"model": "guide", "prompt": "hello", "options": {"num_predict": 2}}
SAMPLES = {"sample_count", "sample_duration"}


@pytest.fixture(scope="module", params=[False, True], ids=["lenient", "strict"])
def strict(request):
    return request.param


@pytest.fixture(scope="module")
def service(models, strict):
    service = Service(replace(Settings.from_environment(), strict=strict))
    yield service
    service.close()


def answers(service, path, **fields):
    response = handle(service, Request("POST", path, {}, json.dumps(fields).encode()))
    body = response.body if isinstance(response.body, bytes) else b"".join(response.body)
    return [json.loads(line) for line in body.splitlines()]


@pytest.mark.parametrize("stream", [True, False])
def test_counts_of_sampling(service, strict, stream):
    *before, last = answers(service, "/api/generate", stream=stream, **GENERATE)
    assert last["eval_count"] == 2
    assert (last.keys() >= SAMPLES) is not strict
    assert not any(SAMPLES & line.keys() for line in before)
    if not strict:
        assert last["sample_count"] >= 2
        assert last["sample_duration"] > 0


@pytest.mark.parametrize("prompt", ["hello", ""])
def test_the_key_that_was_documented(service, strict, prompt):
    (answer,) = answers(service, "/api/embeddings", model="guide", prompt=prompt)
    assert list(answer) == (["embedding"] if strict else ["embedding", "embeddings"])
    assert answer["embedding"] == answer.get("embeddings", answer["embedding"])
    assert bool(answer["embedding"]) is bool(prompt)
