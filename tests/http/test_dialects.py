"""Errors in the words of whom they are for, whoever raises them and wherever."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ollama_nb.errors import BadRequest, Busy, EngineError, ModelNotFound, OllamaError
from ollama_nb.http import BODY_LIMIT, Request, error_response, handle, refusal
from ollama_nb.http.dialects import anthropic_error, dialect_of, ollama_error, openai_error

OLLAMA, OPENAI, ANTHROPIC = "/api/chat", "/v1/chat/completions", "/v1/messages"


@pytest.mark.parametrize(
    ("path", "dialect"),
    [
        ("/", ollama_error),
        ("/api/chat", ollama_error),
        ("/v1", openai_error),
        ("/v1/", openai_error),
        ("/v1/chat/completions?x=/v1/messages", openai_error),
        ("/v1/models/messages", openai_error),
        ("/v1/messages", anthropic_error),
        ("/v1/messages?beta=true", anthropic_error),
        ("/v1/messages/count_tokens", anthropic_error),
        ("/v1/messagesx", openai_error),
        ("/v10/chat", ollama_error),
        ("/api/v1/messages", ollama_error),
        ("", ollama_error),
    ],
)
def test_the_path_tells_the_dialect(path, dialect):
    assert dialect_of(path) is dialect


@given(st.text())
def test_every_path_has_a_dialect(path):
    assert dialect_of(path) in (ollama_error, openai_error, anthropic_error)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, "invalid_request_error"),
        (404, "not_found_error"),
        (403, "api_error"),
        (413, "api_error"),
        (500, "api_error"),
        (503, "api_error"),
    ],
)
def test_openais_error_has_four_keys(status, kind):
    assert openai_error(status, "text") == {
        "error": {"message": "text", "type": kind, "param": None, "code": None}
    }


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, "invalid_request_error"),
        (401, "authentication_error"),
        (403, "permission_error"),
        (404, "not_found_error"),
        (429, "rate_limit_error"),
        (503, "overloaded_error"),
        (529, "overloaded_error"),
        (500, "api_error"),
        (413, "api_error"),
    ],
)
def test_anthropics_error_has_an_id(status, kind):
    error = anthropic_error(status, "text")
    assert re.fullmatch("req_[0-9a-f]{24}", error.pop("request_id"))
    assert error == {"type": "error", "error": {"type": kind, "message": "text"}}


def test_no_two_errors_have_one_id():
    assert anthropic_error(400, "")["request_id"] != anthropic_error(400, "")["request_id"]


def message(response, path):
    """The text of an error, which the dialect of its path has written."""
    body = json.loads(response.body)
    if path == OLLAMA:
        assert response.headers["Content-Type"] == "application/json; charset=utf-8"
        assert list(body) == ["error"]
        return body["error"]
    assert response.headers["Content-Type"] == "application/json"
    assert next(iter(body)) == ("error" if path == OPENAI else "type")
    return body["error"]["message"]


@pytest.mark.parametrize("path", [OLLAMA, OPENAI, ANTHROPIC])
@pytest.mark.parametrize("error", [Busy(), ModelNotFound("x"), BadRequest('"'), EngineError("é")])
def test_status_and_text_are_the_same_in_every_dialect(path, error):
    response = error_response(error, path)
    assert response.status == error.status
    assert message(response, path) == str(error)


@pytest.mark.parametrize("path", [OLLAMA, OPENAI, ANTHROPIC])
def test_what_a_front_refuses_is_refused_in_the_same_words(path):
    response = refusal(403, "no", path)
    assert (response.status, message(response, path)) == (403, "no")


@pytest.mark.parametrize(
    ("path", "text"), [(OLLAMA, "missing request body"), (OPENAI, "EOF"), (ANTHROPIC, "EOF")]
)
@pytest.mark.parametrize("body", [b"", b" \r\n"])
def test_a_missing_body(service, path, text, body):
    response = handle(service, Request("POST", path, {}, body))
    assert (response.status, message(response, path)) == (400, text)


@pytest.mark.parametrize("path", [OLLAMA, OPENAI, ANTHROPIC])
def test_a_body_that_is_refused_by_its_headers(service, path):
    headers = {"content-length": str(BODY_LIMIT + 1)}
    response = handle(service, Request("POST", path, headers, b"{}"))
    assert (response.status, message(response, path)) == (413, "request body is larger than 64 MiB")


@pytest.mark.parametrize("path", [OLLAMA, OPENAI, ANTHROPIC])
@pytest.mark.parametrize("number", ["1e999", "-1e999", "1" + "0" * 5000], ids=lambda text: text[:6])
def test_a_number_that_nothing_holds(service, path, number):
    body = _WELL_FORMED[:-1] + f',"temperature":{number}}}'.encode()
    response = handle(service, Request("POST", path, {}, body))
    assert response.status == 400
    assert message(response, path).startswith("a number ")


@pytest.mark.parametrize("path", [OLLAMA, OPENAI, ANTHROPIC])
def test_what_nobody_planned(path):
    response = handle(None, Request("POST", path, {}, _WELL_FORMED))
    assert (response.status, message(response, path)) == (500, "internal error")


_WELL_FORMED = json.dumps(
    {"model": "m", "max_tokens": 1, "messages": [{"role": "user", "content": "x"}]}
).encode()


@pytest.mark.parametrize("path", ["/v1/nothing", "/v1/messages/nothing", "/v1/models/", "/v1"])
def test_an_unknown_path_is_plain_text_everywhere(service, path):
    response = handle(service, Request("POST", path, {}, b"{}"))
    assert (response.status, response.body) == (404, b"404 page not found")
    assert response.headers["Content-Type"].startswith("text/plain")


@pytest.mark.parametrize("path", [OPENAI, ANTHROPIC])
def test_a_wrong_method_is_plain_text_everywhere(service, path):
    response = handle(service, Request("GET", path))
    assert (response.status, response.body) == (405, b"405 method not allowed")


def test_the_base_of_all_errors_is_a_servers_fault():
    assert error_response(OllamaError("x"), OPENAI).status == 500
