"""The description for programs: it is valid, and says what the table and the server do."""

import re
from dataclasses import replace

import msgspec
import pytest
from openapi_spec_validator import validate

from ollama_nb.http import ROUTES, Request, find, handle
from ollama_nb.http.examples import EXAMPLES
from ollama_nb.http.openapi import document
from ollama_nb.service import Service
from ollama_nb.settings import Settings

DESCRIBED = msgspec.json.decode(document(ROUTES))
READING = [route for route in ROUTES if route.takes]
NEEDS_A_REGISTRY = ("/api/pull", "/api/push")
SENT = [
    (path, name)
    for path, examples in EXAMPLES.items()
    for name in examples
    if path not in NEEDS_A_REGISTRY
]


@pytest.fixture(scope="module")
def stocked(tmp_path_factory):
    """A service whose store may be changed."""
    models = tmp_path_factory.mktemp("described")
    service = Service(replace(Settings.from_environment({}), models=models))
    yield service
    service.close()


def post(service, path, request):
    response = handle(service, Request("POST", path, {}, msgspec.json.encode(request)))
    body = response.body
    return response.status, body if isinstance(body, bytes) else b"".join(body)


def test_it_is_valid_openapi():
    assert DESCRIBED["openapi"].startswith("3.1.")
    validate(DESCRIBED)


def test_it_has_every_route_once():
    described = {
        (method.upper(), path.replace("{", ":").replace("}", ""))
        for path, operations in DESCRIBED["paths"].items()
        for method in operations
    }
    assert described == {(method, route.path) for route in ROUTES for method in route.methods}
    names = [
        operation["operationId"]
        for operations in DESCRIBED["paths"].values()
        for operation in operations.values()
    ]
    assert len(set(names)) == len(names)


def test_every_operation_says_what_it_does():
    for operations in DESCRIBED["paths"].values():
        for operation in operations.values():
            assert operation["summary"]
            assert all(answer["description"] for answer in operation["responses"].values())


def test_it_is_made_once_and_served_as_json(service):
    response = handle(service, Request("GET", "/openapi.json"))
    assert response.headers["Content-Type"] == "application/json"
    assert msgspec.json.decode(response.body) == DESCRIBED
    assert document(ROUTES) is document(ROUTES)


def test_fields_of_several_types_name_them():
    fields = DESCRIBED["components"]["schemas"]["GenerateRequest"]["properties"]
    kinds = [one["type"] for one in fields["keep_alive"]["anyOf"]]
    assert kinds == ["number", "string"]
    assert all("anyOf" in fields[name] for name in ("format", "think"))
    assert {"num_ctx", "temperature", "stop"} <= set(
        DESCRIBED["components"]["schemas"]["Options"]["properties"]
    )


def test_requests_name_their_model():
    required = {
        route.path: DESCRIBED["components"]["schemas"][route.takes.__name__]["required"]
        for route in READING
    }
    assert required.pop("/api/copy") == ["source", "destination"]
    assert all(fields == ["model"] for fields in required.values())


def test_errors_are_described_in_the_dialect_of_their_path(service):
    schemas = DESCRIBED["components"]["schemas"]
    for route in READING:
        path = route.path
        answer = DESCRIBED["paths"][path]["post"]["responses"]["400"]
        name = answer["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
        status, body = post(service, path, [])
        assert status == 400
        assert list(msgspec.json.decode(body)) == schemas[name]["required"]


@pytest.mark.parametrize("route", READING, ids=lambda route: route.path)
def test_a_body_is_read_as_the_row_says(service, route):
    """A value that no reading of the Struct allows is refused, and the text names the field."""
    for field in msgspec.structs.fields(route.takes):
        wrong = next(filter(lambda value: not fits(value, field.type), ({}, [], 0.5)), None)
        if wrong is not None:
            status, body = post(service, route.path, {field.encode_name: wrong})
            assert (status, f"$.{field.encode_name}" in body.decode()) == (400, True), body


def fits(value, kind):
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError:
        return False
    return True


def test_every_row_that_reads_a_body_shows_an_example():
    assert EXAMPLES.keys() == {route.path for route in READING}


@pytest.mark.parametrize(("path", "name"), SENT)
def test_every_example_succeeds(stocked, path, name):
    post(stocked, "/api/copy", {"source": "guide", "destination": "librarian"})
    status, body = post(stocked, path, EXAMPLES[path][name])
    assert (status, re.search(rb'"error":[^n]', body)) == (200, None), body
    assert find("POST", path).takes
