"""Checks 59 to 62 of the contract (Ollama API, 17): create, in its three generations (11)."""

import hashlib
import secrets

import pytest
from contract import delete, error, lines, show, tags
from gguf_writer import tiny_llama

WEIGHTS = tiny_llama(width=256, hidden=512).encode()


@pytest.fixture
def name(front):
    """A name that is free, and free again afterwards."""
    name = f"made-{secrets.token_hex(4)}"
    yield name
    delete(front, name)


@pytest.fixture
def digest(front):
    digest = f"sha256:{hashlib.sha256(WEIGHTS).hexdigest()}"
    assert front.post(f"/api/blobs/{digest}", content=WEIGHTS).status_code in (200, 201)
    return digest


def test_59_a_model_from_another_is_there_at_once(front, name):
    told = lines(front.post("/api/create", json={"model": name, "from": "guide", "system": "S"}))
    assert [one["status"] for one in told][-2:] == ["writing manifest", "success"]
    assert all(set(one) == {"status"} for one in told)
    shown = front.post("/api/show", json={"model": name}).json()
    assert shown["system"] == "S"
    assert shown["details"]["parent_model"] == "guide:latest"


def test_59_from_a_blob(front, name, digest):
    body = {"model": name, "files": {"tiny.gguf": digest}}
    told = lines(front.post("/api/create", json=body))
    assert told[0] == {"status": "parsing GGUF"}
    assert told[-1] == {"status": "success"}
    assert f"{name}:latest" in tags(front)
    answer = front.post("/api/create", json=body | {"stream": False})
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == {"status": "success"}


@pytest.mark.native
def test_59_from_a_blob_quantized(front, name, digest):
    body = {"model": name, "files": {"tiny.gguf": digest}, "quantize": "q8_0"}
    told = lines(front.post("/api/create", json=body))
    assert told[0] == {"status": "parsing GGUF"}
    counted = [one for one in told if "total" in one]
    assert counted[-1]["completed"] == counted[-1]["total"]
    details = front.post("/api/show", json={"model": name}).json()["details"]
    assert details["quantization_level"] == "Q8_0"


def test_60_the_form_of_2024(front, name, digest):
    for source in ("guide", f"@{digest}"):
        body = {"name": name, "modelfile": f"FROM {source}\nSYSTEM hi"}
        told = lines(front.post("/api/create", json=body))
        assert told[0] == {"status": "parsing modelfile"}
        assert told[-1] == {"status": "success"}
        assert show(front, model=name).json()["system"] == "hi"


def test_61_the_form_of_2023(front, name, create_root):
    (create_root / "Modelfile").write_text("FROM guide\nSYSTEM from a file")
    told = lines(front.post("/api/create", json={"name": name, "path": "Modelfile"}))
    assert told[0] == {"status": "parsing modelfile"}
    assert told[-1] == {"status": "success"}
    assert show(front, model=name).json()["system"] == "from a file"


@pytest.mark.parametrize("path", ["../Modelfile", "/etc/hostname", "~/Modelfile", "nothing"])
def test_61_outside_the_root(front, name, path, create_root):
    (create_root.parent / "Modelfile").write_text("FROM guide")
    answer = front.post("/api/create", json={"name": name, "path": path})
    assert answer.status_code == 400
    assert error(answer).startswith("error reading modelfile: ")


@pytest.mark.parametrize(
    ("body", "status", "text"),
    [
        ({}, 400, "neither 'from' or 'files' was specified"),
        ({"files": {}}, 400, "unknown type"),
        ({"from": "guide", "model": ""}, 400, "invalid model name"),
        ({"files": {"../x": "sha256:0"}}, 400, "file path must be relative"),
        ({"files": {"x.gguf": f"sha256:{'0' * 64}"}}, 500, f'blob "sha256:{"0" * 64}" not found'),
        ({"modelfile": "FROM guide\nNOPE x"}, 400, "(line 2): command must be one of"),
        ({"modelfile": "FROM /etc/passwd"}, 400, "invalid model name"),
        ({"path": "/etc/passwd"}, 400, "error reading modelfile"),
        ({"from": "guide", "quantize": "q9"}, 500, "unsupported quantization type Q9"),
    ],
)
def test_60_and_62_what_is_wrong_has_its_status(front, name, body, status, text):
    answer = front.post("/api/create", json={"model": name, **body})
    assert (answer.status_code, answer.json()["error"][: len(text)]) == (status, text)


def test_later_failures_are_a_line(front, name, digest):
    body = {"model": name, "files": {"a.gguf": digest}, "adapters": {"b.gguf": digest}}
    told = lines(front.post("/api/create", json=body))
    assert told[0] == {"status": "parsing GGUF"}
    assert set(told[-1]) == {"error"}
    answer = front.post("/api/create", json=body | {"stream": False})
    assert answer.status_code == 400
    assert name not in front.get("/api/tags").text
