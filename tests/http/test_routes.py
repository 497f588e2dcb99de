"""The table and what stands around it: lookups, limits, redirects, unplanned exceptions."""

import logging

import pytest

from ollama_nb import __version__
from ollama_nb.errors import Busy, MethodNotAllowed, OllamaError, UnknownRoute
from ollama_nb.http import BODY_LIMIT, ROUTES, SERVER, Request, failed_response, find, handle

POST = {"content-type": "application/json"}


class Failing:
    """Every verb fails."""

    def __init__(self, error):
        self._error = error

    def __getattr__(self, name):
        def fail(*_):
            raise self._error

        return fail


def answer(service, method="GET", path="/api/tags", headers=None, body=b"{}"):
    return handle(service, Request(method, path, headers or {}, body))


def test_paths_are_unique_and_bare():
    rows = [(method, route.path) for route in ROUTES for method in route.methods]
    assert len(set(rows)) == len(rows)
    assert all(path == "/" or not path.endswith("/") for _, path in rows)


def test_only_the_heartbeat_and_the_version_are_public():
    assert {route.path for route in ROUTES if route.public} == {"/", "/api/version"}


def test_every_other_route_names_what_an_authorizer_decides_about():
    guarded = [route for route in ROUTES if not route.public]
    assert all(route.resource for route in guarded)
    for route in guarded:
        looks = {"GET", "HEAD"} & set(route.methods) or route.path == "/api/show"
        assert (route.action == "read") == bool(looks)


@pytest.mark.parametrize("path", ["/api/tags", "/api/tags?", "/api/tags?ts=1&x=/"])
def test_lookup_ignores_queries(path):
    assert find("GET", path).path == "/api/tags"


@pytest.mark.parametrize("path", ["", "*", "/api/tags/", "//api/tags", "/api/%74ags", "/API/tags"])
def test_lookup_of_what_is_not_there(path):
    with pytest.raises(UnknownRoute):
        find("GET", path)


@pytest.mark.parametrize("item", ["x", "sha256:00", "sha256%3A00", ":digest", "%2F", "x?y/z"])
def test_the_last_part_of_a_path_may_be_any_item(item):
    assert find("POST", f"/api/blobs/{item}").action == "write"
    assert find("HEAD", f"/api/blobs/{item}").action == "read"
    with pytest.raises(MethodNotAllowed):
        find("GET", f"/api/blobs/{item}")


@pytest.mark.parametrize("path", ["/api/blobs", "/api/blobs/", "/api/blobs/a/b", "/blobs/a"])
def test_but_not_none_and_not_two(path):
    with pytest.raises(UnknownRoute):
        find("POST", path)


@pytest.mark.parametrize(
    ("path", "item"), [("/api/blobs/a%3Ab?c/d", "a:b"), ("/api/blobs/%2E%2E%2Fx", "../x")]
)
def test_items_are_read_as_they_are_meant(path, item):
    assert Request("POST", path).item == item


@pytest.mark.parametrize("method", ["POST", "get", "OPTIONS", "BREW"])
def test_lookup_with_a_wrong_method(method):
    with pytest.raises(MethodNotAllowed):
        find(method, "/api/tags")


@pytest.mark.parametrize(
    ("path", "allowed"), [("/api/tags", "GET, HEAD"), ("/api/blobs/x", "HEAD, POST")]
)
def test_a_wrong_method_is_told_which_are_right(service, path, allowed):
    refused = answer(service, "DELETE", path)
    assert (refused.status, refused.headers["Allow"]) == (405, allowed)


def test_head_has_the_length_of_get(service):
    get, head = answer(service), answer(service, "HEAD")
    assert head.body == b""
    assert head.headers == {**get.headers, "Content-Length": str(len(get.body))}


def test_head_of_an_error_has_no_body_either(service):
    head = answer(service, "HEAD", "/nothing")
    assert (head.status, head.body) == (404, b"")


def test_every_answer_names_the_package(service):
    for method, path in (("GET", "/"), ("GET", "/nothing"), ("GET", "/api/tags/")):
        assert answer(service, method, path).headers["Server"] == f"ollama_nb/{__version__}"


@pytest.mark.parametrize(
    ("method", "path", "status", "location"),
    [
        ("GET", "/api/tags/", 301, "../tags"),
        ("GET", "/api/tags/?a=b/", 301, "../tags?a=b/"),
        ("POST", "/api/generate/", 307, "../generate"),
        ("GET", "/api/tags//", 404, None),
        ("GET", "/api/generate/", 404, None),
        ("POST", "/api/tags/", 404, None),
        ("GET", "/api/", 404, None),
        ("GET", "//", 404, None),
    ],
)
def test_trailing_slash(service, method, path, status, location):
    response = answer(service, method, path)
    assert (response.status, response.headers.get("Location")) == (status, location)


@pytest.mark.parametrize(
    ("headers", "status", "text"),
    [
        ({"content-encoding": "gzip"}, 415,
         "request bodies with a Content-Encoding are not accepted"),
        ({"content-encoding": "GZIP, br"}, 415,
         "request bodies with a Content-Encoding are not accepted"),
        ({"content-type": "Multipart/Form-Data; boundary=x"}, 415,
         "multipart request bodies are not accepted; send JSON"),
        ({"content-length": str(BODY_LIMIT + 1)}, 413, "request body is larger than 64 MiB"),
        ({"content-length": "9" * 5000}, 413, "request body is larger than 64 MiB"),
        ({"content-length": str(BODY_LIMIT)}, 404, "model '' not found"),
        ({"content-encoding": "identity", "content-length": "-1"}, 404, "model '' not found"),
        ({"content-type": "text/plain"}, 404, "model '' not found"),
    ],
)  # fmt: skip
def test_bodies_that_are_refused_by_their_headers(service, headers, status, text):
    response = answer(service, "POST", "/api/generate", headers)
    assert (response.status, response.body) == (status, b'{"error":"%s"}' % text.encode())


def test_a_body_above_the_limit(service):
    response = answer(service, "POST", "/api/generate", body=b" " * (BODY_LIMIT + 1))
    assert response.status == 413


def test_errors_are_answered_with_the_status_of_their_class():
    response = answer(Failing(Busy()))
    assert response.status == 503
    assert response.headers["Content-Type"] == "application/json; charset=utf-8"
    assert response.body == (
        b'{"error":"server busy, please try again.  maximum pending requests exceeded"}'
    )


def test_an_exception_nobody_planned_says_nothing_about_itself(caplog):
    response = answer(Failing(ValueError("/home/ann/secret")))
    assert (response.status, response.body) == (500, b'{"error":"internal error"}')
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert "secret" in record.exc_text
    assert record.getMessage() == "GET /api/tags failed"


def test_every_answer_says_who_answers(service):
    late = failed_response(Request("POST", "/api/chat"), Busy())
    for response in (answer(service), answer(Failing(Busy())), answer(service, path="/x"), late):
        assert response.headers["Server"] == SERVER
    assert (late.status, late.body) == (503, answer(Failing(Busy())).body)


def test_keyboard_interrupt_gets_through():
    with pytest.raises(KeyboardInterrupt):
        answer(Failing(KeyboardInterrupt()))


def test_texts_are_escaped_as_json_needs():
    response = answer(Failing(OllamaError('a "b"\n<c> é')))
    assert response.body.decode() == '{"error":"a \\"b\\"\\n<c> é"}'
