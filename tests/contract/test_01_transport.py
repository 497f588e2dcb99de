"""Checks 1 to 12 of the contract (Ollama API, 17): methods, paths, bodies, names."""

import re

import pytest
from contract import JSON, NDJSON, TEXT, error, generate

from ollama_nb.http import ROUTES

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
PATHS = sorted({re.sub(":[a-z]+", "x", route.path) for route in ROUTES})


def taken(path):
    """The methods that a path of the table takes."""
    return {
        method
        for route in ROUTES
        if re.fullmatch(re.sub(":[a-z]+", "[^/]+", route.path), path)
        for method in route.methods
    }


@pytest.mark.parametrize("path", ["/", ""])
def test_1_heartbeat(front, path):
    answer = front.get(path)
    assert (answer.status_code, answer.text) == (200, "Ollama is running")
    assert answer.headers["content-type"] == TEXT


@pytest.mark.parametrize("path", [path for path in PATHS if {"GET", "HEAD"} <= taken(path)])
def test_2_head_is_get_without_a_body(front, path):
    head, get = front.head(path), front.get(path)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-type"] == get.headers["content-type"]
    assert int(head.headers["content-length"]) == len(get.content)


def test_3_version(front):
    answer = front.get("/api/version")
    assert answer.headers["content-type"] == JSON
    assert re.fullmatch(r"\d+\.\d+\.\d+", answer.json()["version"])
    assert answer.headers["server"].startswith("ollama_nb/")


@pytest.mark.parametrize("path", PATHS)
def test_4_wrong_methods(front, path):
    for method in set(METHODS) - taken(path):
        answer = front.request(method, path)
        assert answer.status_code == 405, method
        assert answer.headers["content-type"] == TEXT
        assert answer.text == ("" if method == "HEAD" else "405 method not allowed")


@pytest.mark.parametrize("path", ["/api/nothing", "/nothing", "/api", "/api/tags/x", "/API/TAGS"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_5_unknown_paths(front, method, path):
    answer = front.request(method, path)
    assert (answer.status_code, answer.text) == (404, "404 page not found")
    assert answer.headers["content-type"] == TEXT


WITH_BODY = [
    (method, route.path)
    for route in ROUTES
    for method in route.methods
    if route.path.startswith("/api") and method not in ("GET", "HEAD") and not route.in_pieces
]


@pytest.mark.parametrize(("method", "path"), WITH_BODY)
def test_6_no_body(front, method, path):
    for body in (b"", b" \r\n\t"):
        answer = front.request(method, path, content=body)
        assert (answer.status_code, error(answer)) == (400, "missing request body")


@pytest.mark.parametrize(("method", "path"), WITH_BODY)
def test_7_malformed_bodies(front, method, path):
    for body in (b"{", b"[]", b'{"model":1,"source":1}', b"NaN", b"x"):
        answer = front.request(method, path, content=body)
        assert (answer.status_code, bool(error(answer))) == (400, True), body


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "application/octet-stream", ""]
)
def test_8_any_content_type_is_json(front, kind):
    body = b'{"model":"guide","prompt":"hi&token=x&_xsrf=y","options":{"num_predict":1}}'
    answer = front.post("/api/generate", content=body, headers={"Content-Type": kind})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == NDJSON


def test_9_keys_in_any_case(front):
    body = {"Model": "guide", "PROMPT": "hi", "Stream": False, "options": {"num_predict": 1}}
    assert front.post("/api/generate", json=body).json()["response"]


@pytest.mark.parametrize(
    ("path", "keys"),
    [("/api/show", ("NAME",)), ("/api/embed", ("Model", "Input")),
     ("/api/copy", ("Source", "DESTINATION")), ("/api/delete", ("NAME",)),
     ("/api/push", ("Model",)), ("/api/create", ("MODEL", "FROM"))],
)  # fmt: skip
def test_9_on_other_routes_too(front, path, keys):
    careful = front.post(path, json={key.lower(): "a b" for key in keys})
    careless = front.post(path, json=dict.fromkeys(keys, "a b") | {"Unknown": None})
    assert careful.status_code == 400
    assert (careless.status_code, careless.json()) == (careful.status_code, careful.json())


def test_10_unknown_keys(front):
    generate(front, bogus={"deep": [1]}, width=3, options={"num_predict": 1})


@pytest.mark.parametrize("body", ["{}", "null", '{"model":null}', '{"model":""}', '{"model":" "}'])
def test_11_no_model(front, body):
    answer = front.post("/api/generate", content=body)
    assert (answer.status_code, error(answer)) == (404, "model '' not found")


def test_12_unknown_model(front):
    assert error(generate(front, 404, model="nope")) == "model 'nope' not found"


def test_queries_are_ignored(front):
    assert front.get("/api/tags?ts=1").json() == front.get("/api/tags").json()
    assert front.post("/api/generate?beta=true", json={"model": "guide"}).status_code == 200


@pytest.mark.parametrize("path", [path for path in PATHS if path != "/"])
def test_a_trailing_slash_leads_to_the_path_without_it(front, path):
    for method in taken(path):
        answer = front.request(method, f"{path}/?x=1")
        assert answer.status_code == (301 if method == "GET" else 307)
        assert answer.next_request.url.path.endswith(path)
        assert answer.next_request.url.query == b"x=1"


@pytest.mark.parametrize("path", ["/api/generate", "/api/delete"])
@pytest.mark.parametrize(
    ("headers", "text"),
    [({"Content-Encoding": "gzip"}, "request bodies with a Content-Encoding are not accepted"),
     ({"Content-Type": "multipart/form-data; boundary=x"},
      "multipart request bodies are not accepted; send JSON")],
)  # fmt: skip
def test_bodies_that_are_not_read(front, path, headers, text):
    answer = front.post(path, content=b"{}", headers=headers)
    assert (answer.status_code, error(answer)) == (415, text)


def test_bodies_that_are_too_large(front):
    size = (64 << 20) + 1
    answer = front.post("/api/generate", content=b" " * size)
    assert (answer.status_code, error(answer)) == (413, "request body is larger than 64 MiB")
