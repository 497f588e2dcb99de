"""Vectors in OpenAI's form, as numbers and as base64, on the real engine."""

import base64
import json
from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ollama_nb.errors import BadRequest
from ollama_nb.http import Request, handle
from ollama_nb.http.openai.embeddings import embed_request, packed
from ollama_nb.wire.codec import decode_request
from ollama_nb.wire.openai_types import OpenAIEmbeddingRequest


def requested(**fields):
    return embed_request(decode_request(json.dumps(fields).encode(), OpenAIEmbeddingRequest))


def asked(service, **fields):
    request = Request("POST", "/v1/embeddings", {}, json.dumps(fields).encode())
    answer = handle(service, request)
    body = answer.body if isinstance(answer.body, bytes) else b"".join(answer.body)
    return answer.status, json.loads(body)


@pytest.mark.parametrize(
    ("texts", "wanted"), [("a", "a"), (["a", ""], ["a", ""]), ("", [""]), ([""], [""])]
)
def test_texts(texts, wanted):
    assert requested(model="m", input=texts, dimensions=3).input == wanted


@pytest.mark.parametrize("fields", [{}, {"input": None}, {"input": []}])
def test_without_a_text_there_is_nothing_to_do(fields):
    with pytest.raises(BadRequest, match=r"^invalid input$"):
        requested(**fields)


@pytest.mark.parametrize("tokens", [[1, 2], [[1], [2]], 7, ["a", 1], {"a": 1}])
def test_tokens_are_not_taken(service, tokens):
    status, answer = asked(service, model="guide", input=tokens)
    assert (status, answer["error"]["message"]) == (400, "invalid input type")


def test_an_answer(service):
    status, answer = asked(service, model="guide", input=["Hello", "there"])
    assert status == 200
    assert list(answer) == ["object", "data", "model", "usage"]
    assert [list(one) for one in answer["data"]] == [["object", "embedding", "index"]] * 2
    assert [one["index"] for one in answer["data"]] == [0, 1]
    assert (answer["object"], answer["data"][0]["object"]) == ("list", "embedding")
    assert answer["model"] == "guide"
    assert answer["usage"]["prompt_tokens"] == answer["usage"]["total_tokens"] > 0


@pytest.mark.parametrize("name", ["base64", "BASE64"])
def test_base64_holds_the_same_numbers(service, name):
    _, numbers = asked(service, model="guide", input="Hello", encoding_format="float")
    _, text = asked(service, model="guide", input="Hello", encoding_format=name)
    data = base64.b64decode(text["data"][0]["embedding"])
    assert array("f", data).tolist() == numbers["data"][0]["embedding"]


def test_an_empty_text_has_a_vector(service):
    _, answer = asked(service, model="guide", input="")
    assert len(answer["data"]) == 1
    assert answer["data"][0]["embedding"]


def test_fewer_dimensions(service):
    _, answer = asked(service, model="guide", input="Hello", dimensions=8)
    assert len(answer["data"][0]["embedding"]) == 8


def test_an_encoding_that_nobody_knows(service):
    status, answer = asked(service, model="guide", input="x", encoding_format="hex")
    assert status == 400
    assert answer["error"]["message"] == (
        "Invalid value for 'encoding_format' = hex. Supported values: ['float', 'base64']."
    )


def test_a_model_that_is_not_there(service):
    status, answer = asked(service, model="nope", input="x")
    assert status == 404
    assert answer["error"] == {
        "message": 'model "nope" not found, try pulling it first',
        "type": "not_found_error",
        "param": None,
        "code": None,
    }


@given(st.lists(st.floats(width=32)))
def test_packing_keeps_every_number(vector):
    data = base64.b64decode(packed(vector))
    assert data == array("f", vector).tobytes()
