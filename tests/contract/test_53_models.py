"""Checks 53 to 58 of the contract (Ollama API, 17): tags, show, copy, delete, blobs."""

import datetime
import hashlib
import re
import secrets
import time
from dataclasses import replace

import httpx
import pytest
from contract import JSON, delete, error, loaded, show, tags

from ollama_nb.client import KernelTransport
from ollama_nb.service import Service
from ollama_nb.settings import Settings


@pytest.fixture
def name(front):
    """A name that is free, and free again afterwards."""
    name = f"copy-{secrets.token_hex(4)}"
    yield name
    delete(front, name)


def test_53_tags(front):
    models = tags(front)
    assert {"guide:latest", "guide:think", "endless:latest", "embedder:latest"} <= models.keys()
    for name, model in models.items():
        assert list(model) == [
            "name", "model", "modified_at", "size", "digest", "details", "capabilities",
        ]  # fmt: skip
        assert model["model"] == name
        assert re.fullmatch("[0-9a-f]{64}", model["digest"])
        assert list(model["details"])[:6] == [
            "parent_model", "format", "family", "families", "parameter_size", "quantization_level",
        ]  # fmt: skip
    times = [datetime.datetime.fromisoformat(model["modified_at"]) for model in models.values()]
    assert times == sorted(times, reverse=True)


def test_53_an_empty_store(tmp_path):
    """Of a service alone: the built-in store is beneath every other one."""
    settings = replace(
        Settings.from_environment({}), models=tmp_path / "a", builtin_models=tmp_path / "b"
    )
    transport = KernelTransport(Service(settings))
    with httpx.Client(transport=transport, base_url="http://kernel", timeout=None) as front:
        assert front.get("/api/tags").json() == {"models": []}
        assert front.get("/api/ps").json() == {"models": []}


def test_ps_fields(front):
    front.post("/api/generate", json={"model": "guide"})
    model = loaded(front)["guide:latest"]
    assert list(model) == [
        "name", "model", "size", "digest", "details", "expires_at", "size_vram", "context_length",
    ]  # fmt: skip
    assert not {"context_length", "embedding_length"} & model["details"].keys()


def test_status(front):
    answer = front.get("/api/status")
    assert answer.headers["content-type"] == JSON
    assert answer.json() == {"cloud": {"disabled": True, "source": "env"}}


def test_54_show(front):
    answer = show(front)
    assert answer.headers["content-type"] == JSON
    shown = answer.json()
    assert list(shown) == [
        "license", "modelfile", "parameters", "template", "details", "model_info", "tensors",
        "capabilities", "modified_at",
    ]  # fmt: skip
    assert shown["model_info"]["general.architecture"] == "llama"
    assert shown["model_info"]["general.parameter_count"] == 4_720_896
    assert shown["capabilities"][0] == "completion"
    assert shown["details"] == tags(front)["guide:latest"]["details"]
    assert front.post("/api/show", json={"name": "guide"}).json() == shown
    assert error(front.post("/api/show", json={})) == "model is required"


def test_55_verbose(front):
    brief, long = show(front).json()["model_info"], show(front, verbose=True).json()["model_info"]
    assert list(brief) == list(long) == sorted(long)
    assert brief["tokenizer.ggml.tokens"] == []
    assert len(long["tokenizer.ggml.tokens"]) == long["llama.vocab_size"] == 4096
    assert not {"general.name", "tokenizer.chat_template"} & set(long)


@pytest.mark.parametrize(
    ("fields", "status", "text"),
    [
        ({"model": ""}, 400, "model is required"),
        ({"model": " "}, 400, "model is required"),
        ({"model": "a b"}, 400, "invalid model name"),
        ({"model": "../x"}, 400, "invalid model name"),
        ({"model": "nope"}, 404, "model 'nope:latest' not found"),
        ({"model": "a/nope:1"}, 404, "model 'a/nope:1' not found"),
        ({"model": "nope:cloud"}, 403,
         "ollama cloud is disabled: remote model details are unavailable"),
        ({"model": 1}, 400, None),
        ({"verbose": "yes"}, 400, None),
        ({"options": []}, 400, None),
    ],
)  # fmt: skip
def test_what_cannot_be_shown(front, fields, status, text):
    answer = show(front, status, **fields)
    assert error(answer) == text or text is None


def test_56_copy(front, name):
    answer = front.post("/api/copy", json={"source": "guide", "destination": name})
    assert (answer.status_code, answer.content) == (200, b"")
    assert tags(front)[f"{name}:latest"]["digest"] == tags(front)["guide:latest"]["digest"]
    again = front.post("/api/copy", json={"source": "endless", "destination": name.upper()})
    assert again.status_code == 200
    listed = tags(front)
    assert listed[f"{name}:latest"]["digest"] == listed["endless:latest"]["digest"]
    assert f"{name.upper()}:latest" not in listed


@pytest.mark.parametrize(
    ("source", "destination", "status", "text"),
    [
        ("nope", "new", 404, 'model "nope" not found'),
        ("nope:1", "new", 404, 'model "nope:1" not found'),
        ("", "", 400, 'source "" is invalid'),
        (" guide", "new", 400, 'source " guide" is invalid'),
        ("a//b", "new", 400, 'source "a//b" is invalid'),
        ("guide", "", 400, 'destination "" is invalid'),
        ("nope", "new:", 400, 'destination "new:" is invalid'),
        ("guide", "../../x", 400, 'destination "../../x" is invalid'),
    ],
)
def test_what_cannot_be_copied(front, source, destination, status, text):
    before = tags(front)
    answer = front.post("/api/copy", json={"source": source, "destination": destination})
    assert (answer.status_code, error(answer)) == (status, text)
    assert tags(front) == before


@pytest.mark.parametrize("name", ["guide", "nope"])
def test_a_copy_onto_itself_is_not_looked_at(front, name):
    body = {"source": name, "destination": f"library/{name.upper()}:latest"}
    assert front.post("/api/copy", json=body).status_code == 200


@pytest.mark.parametrize("method", ["DELETE", "POST"])
def test_57_delete(front, name, method):
    front.post("/api/copy", json={"source": "guide", "destination": name})
    answer = front.request(method, "/api/delete", json={"name": name})
    assert (answer.status_code, answer.content) == (200, b"")
    assert f"{name}:latest" not in tags(front)
    again = front.request(method, "/api/delete", json={"name": name})
    assert (again.status_code, error(again)) == (404, f"model '{name}' not found")
    assert "guide:latest" in tags(front)


@pytest.mark.parametrize(
    ("model", "status", "text"),
    [
        ("", 400, "model is required"),
        ("a b", 400, 'name "a b" is invalid'),
        ("nope:1", 404, "model 'nope:1' not found"),
        ("guide", 403, None),
        (1, 400, None),
    ],
)
def test_what_cannot_be_deleted(front, model, status, text):
    answer = front.request("DELETE", "/api/delete", json={"model": model})
    assert answer.status_code == status
    assert error(answer) == text or text is None


def test_a_deleted_model_leaves_the_memory(front, name):
    front.post("/api/copy", json={"source": "guide", "destination": name})
    front.post("/api/generate", json={"model": name, "keep_alive": -1})
    delete(front, name)
    end = time.monotonic() + 180
    while any(one["name"] == f"{name}:latest" for one in front.get("/api/ps").json()["models"]):
        assert time.monotonic() < end


def blob():
    data = secrets.token_bytes(3_000_000)
    return data, f"sha256:{hashlib.sha256(data).hexdigest()}"


@pytest.mark.parametrize("kind", ["application/json", "application/x-www-form-urlencoded", "a/b"])
def test_58_blob(front, kind):
    data, digest = blob()
    url, headers = f"/api/blobs/{digest}", {"Content-Type": kind}
    assert front.head(url).status_code == 404
    for status in (201, 200):
        answer = front.post(url, content=data, headers=headers)
        assert (answer.status_code, answer.content) == (status, b"")
        found = front.head(url)
        assert (found.status_code, found.content) == (200, b"")
    assert front.head(url.replace("sha256:", "sha256-")).status_code == 200


def test_58_chunked(front):
    data, digest = blob()
    pieces = (data[at : at + 100_001] for at in range(0, len(data), 100_001))
    assert front.post(f"/api/blobs/{digest}", content=pieces).status_code == 201
    assert front.head(f"/api/blobs/{digest}").status_code == 200


def test_58_another_digest(front):
    data, digest = blob()
    wrong = "sha256:" + secrets.token_hex(32)
    answer = front.post(f"/api/blobs/{wrong}", content=data)
    assert answer.status_code == 400
    assert error(answer) == f'digest mismatch, expected "{wrong}", got "{digest}"'
    for one in (wrong, digest):
        assert front.head(f"/api/blobs/{one}").status_code == 404


@pytest.mark.parametrize("digest", ["x", "sha256:1234", "md5:" + "0" * 32, "sha256:" + "z" * 64])
def test_58_malformed_digest(front, digest):
    answer = front.post(f"/api/blobs/{digest}", content=b"x" * 100_000)
    assert (answer.status_code, error(answer)) == (400, "invalid digest format")
    assert front.head(f"/api/blobs/{digest}").status_code == 400


@pytest.mark.parametrize("path", ["/api/blobs", "/api/blobs/", "/api/blobs/a/b"])
def test_blobs_have_one_name(front, path):
    assert front.post(path, content=b"x").status_code == 404


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_blobs_cannot_be_fetched(front, method):
    answer = front.request(method, "/api/blobs/sha256:" + "0" * 64)
    assert (answer.status_code, answer.text) == (405, "405 method not allowed")


def test_show_has_times_and_paths_as_tags(front):
    shown = show(front).json()
    assert shown["modified_at"] == tags(front)["guide:latest"]["modified_at"]
    head, _, rest = shown["modelfile"].partition("\n\n")
    assert head == (
        '# Modelfile generated by "ollama show"\n'
        "# To build a new Modelfile based on this, replace FROM with:\n"
        "# FROM guide:latest"
    )
    assert re.match(r"FROM /.*/blobs/sha256-[0-9a-f]{64}\nTEMPLATE \"\"\"", rest)
