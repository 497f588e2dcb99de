"""Models in OpenAI's form, whatever their names."""

import json
from dataclasses import replace

import pytest

from ollama_nb.http import Request, handle
from ollama_nb.service import Service
from ollama_nb.settings import Settings
from ollama_nb.wire import CopyRequest


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    """A store with a model of each kind of name, above the built-in one."""
    path = tmp_path_factory.mktemp("named")
    service = Service(replace(Settings.from_environment({}), models=path))
    for name in ("plain", "ann/deep.model:1b", "hub.example:5000/team/far:q4"):
        service.copy(CopyRequest(source="guide", destination=name))
    yield service
    service.close()


def asked(service, path, method="GET"):
    answer = handle(service, Request(method, path))
    return answer.status, answer.headers, answer.body


def model(service, path):
    status, headers, body = asked(service, path)
    assert (status, headers["Content-Type"]) == (200, "application/json")
    return json.loads(body)


def test_the_list_is_that_of_tags(library):
    listed = model(library, "/v1/models")
    assert list(listed) == ["object", "data"]
    assert listed["object"] == "list"
    tags = library.list().models
    assert [one["id"] for one in listed["data"]] == [one.name for one in tags]
    owners = {one["id"]: one["owned_by"] for one in listed["data"]}
    assert owners["plain:latest"] == owners["guide:latest"] == "library"
    assert owners["ann/deep.model:1b"] == "ann"
    assert owners["hub.example:5000/team/far:q4"] == "team"


def test_an_empty_store_lists_none(tmp_path):
    settings = replace(Settings.from_environment({}), models=tmp_path, builtin_models=tmp_path)
    service = Service(settings)
    assert asked(service, "/v1/models")[2] == b'{"object":"list","data":[]}'
    service.close()


@pytest.mark.parametrize(
    ("path", "name", "owner"),
    [
        ("plain", "plain", "library"),
        ("plain:latest?x=/y", "plain:latest", "library"),
        ("plain%3Alatest", "plain:latest", "library"),
        ("ann/deep.model:1b", "ann/deep.model:1b", "ann"),
        ("ann%2Fdeep.model:1b", "ann/deep.model:1b", "ann"),
        ("hub.example:5000/team/far:q4", "hub.example:5000/team/far:q4", "team"),
        ("hub.example%3A5000%2Fteam%2Ffar%3Aq4", "hub.example:5000/team/far:q4", "team"),
    ],
)
def test_one_has_the_id_that_was_asked_for(library, path, name, owner):
    found = model(library, f"/v1/models/{path}")
    assert list(found) == ["id", "object", "created", "owned_by"]
    assert (found["id"], found["object"], found["owned_by"]) == (name, "model", owner)


def test_one_is_as_old_as_in_the_list(library):
    ages = {one["id"]: one["created"] for one in model(library, "/v1/models")["data"]}
    assert model(library, "/v1/models/plain:latest")["created"] == ages["plain:latest"] > 0


@pytest.mark.parametrize("path", ["nope", "ann/nope", "..", "%2E%2E%2Fx", "a/b/c/d/e", "%FF"])
def test_what_is_not_there(library, path):
    status, _, body = asked(library, f"/v1/models/{path}")
    error = json.loads(body)["error"]
    assert (status, error["type"]) in (
        (404, "not_found_error"),
        (400, "invalid_request_error"),
    )
    assert list(error) == ["message", "type", "param", "code"]


def test_it_is_missing_in_the_words_of_show(library):
    status, _, body = asked(library, "/v1/models/nope")
    assert (status, json.loads(body)["error"]["message"]) == (404, "model 'nope:latest' not found")


def test_slashes_behind_lead_away(library):
    for path, target in (("plain/", "../plain"), ("ann/deep.model:1b/", "../deep.model:1b")):
        status, headers, _ = asked(library, f"/v1/models/{path}")
        assert (status, headers["Location"]) == (301, target)
    status, headers, _ = asked(library, "/v1/models/")
    assert (status, headers["Location"]) == (301, "../models")


@pytest.mark.parametrize("path", ["/v1/models//", "/v1/modelsx", "/v1/model/plain"])
def test_what_is_no_path(library, path):
    assert asked(library, path)[0] == 404


def test_models_are_only_looked_at(library):
    for method in ("POST", "DELETE", "HEAD"):
        assert asked(library, "/v1/models/plain", method)[0] == 405
