"""Blobs through the table: what a front sees before, while and after their bytes come."""

import hashlib
from dataclasses import replace

import pytest

from ollama_nb.errors import DiskFull
from ollama_nb.http import Incoming, Request, Response, begin, handle, takes_pieces
from ollama_nb.service import Service, upload
from ollama_nb.settings import Settings
from ollama_nb.store import space

DATA = b"some bytes " * 1000
NONE = "sha256:" + "0" * 64


def digest_of(data):
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


@pytest.fixture
def store(tmp_path):
    return tmp_path / "models"


@pytest.fixture
def service(store):
    service = Service(replace(Settings.from_environment({}), models=store))
    yield service
    service.close()


def post(digest, **headers):
    return Request("POST", f"/api/blobs/{digest}", headers)


def files(store):
    return [path.name for path in store.rglob("*") if path.is_file()]


def test_only_uploads_come_in_pieces():
    assert takes_pieces(post(NONE))
    for method, path in (("HEAD", f"/api/blobs/{NONE}"), ("POST", "/api/show"), ("POST", "/x")):
        assert not takes_pieces(Request(method, path))


def test_pieces_become_a_blob(service, store):
    incoming = begin(service, post(digest_of(DATA)))
    assert isinstance(incoming, Incoming)
    for at in range(0, len(DATA), 1000):
        assert incoming.write(bytearray(DATA[at : at + 1000])) is None
    assert handle(service, replace(post(digest_of(DATA)), method="HEAD")).status == 404
    assert incoming.finish().status == 201
    incoming.abort()
    (path,) = (store / "blobs").iterdir()
    assert path.read_bytes() == DATA
    assert handle(service, replace(post(digest_of(DATA)), method="HEAD")).status == 200


def test_what_is_there_is_not_read_again(service):
    assert handle(service, replace(post(digest_of(DATA)), body=DATA)).status == 201
    answer = begin(service, post(digest_of(DATA).replace("sha256:", "sha256-").upper().lower()))
    assert isinstance(answer, Response)
    assert (answer.status, answer.body) == (200, b"")
    # The body is not looked at, so that it does not matter what it is.
    assert handle(service, replace(post(digest_of(DATA)), body=b"other")).status == 200


def test_builtin_blobs_are_there(service, store):
    weights = service.store.find("guide").weights.name.replace("-", ":")
    assert handle(service, Request("HEAD", f"/api/blobs/{weights}")).status == 200
    assert not store.exists()


def test_another_content_leaves_nothing(service, store):
    answer = handle(service, replace(post(NONE), body=DATA))
    assert answer.status == 400
    text = f'digest mismatch, expected \\"{NONE}\\", got \\"{digest_of(DATA)}\\"'
    assert answer.body.decode() == f'{{"error":"{text}"}}'
    assert files(store) == []


def test_leaving_leaves_nothing(service, store):
    incoming = begin(service, post(digest_of(DATA)))
    assert incoming.write(DATA) is None
    assert files(store) != []
    incoming.abort()
    assert files(store) == []


def test_an_empty_blob(service):
    assert handle(service, post(digest_of(b""))).status == 201


@pytest.mark.parametrize(
    "digest",
    ["x", "sha256:", "sha256:" + "g" * 64, "sha256:" + "0" * 63, "md5:" + "0" * 32, "..",
     "sha256:..%2F..%2Fx", "%00", "sha256:" + "0" * 64 + "%0A", "0" * 64],
)  # fmt: skip
@pytest.mark.parametrize("method", ["HEAD", "POST"])
def test_what_is_no_digest(service, store, digest, method):
    answer = handle(service, Request(method, f"/api/blobs/{digest}", body=DATA))
    assert answer.status == 400
    if method == "POST":
        assert answer.body == b'{"error":"invalid digest format"}'
    assert files(store) == []


@pytest.mark.parametrize(
    "headers",
    [{}, {"content-type": "multipart/form-data; boundary=x"}, {"content-type": "text/html"},
     {"content-length": str(100 << 20)}],
)  # fmt: skip
def test_any_content_type_and_length(service, headers):
    incoming = begin(service, post(NONE, **headers))
    assert isinstance(incoming, Incoming)
    incoming.abort()


def test_no_packed_bodies(service, store):
    assert begin(service, post(NONE, **{"content-encoding": "gzip"})).status == 415
    assert files(store) == []


def test_more_than_there_is_room_for(service, store):
    answer = begin(service, post(NONE, **{"content-length": str(1 << 60)}))
    assert answer.status == DiskFull.status == 507
    assert b"not enough disk space in the model store: 1,152,921," in answer.body
    assert files(store) == []


def test_a_disk_that_becomes_full_on_the_way(service, store, monkeypatch):
    incoming = begin(service, post(NONE))
    assert incoming.write(bytes(1 << 20)) is None
    monkeypatch.setattr(space, "_LEAST_RESERVE", 1 << 60)
    assert incoming.write(bytes(1 << 20)) is None
    answer = incoming.write(bytes(64 << 20))
    assert answer.status == 507
    assert files(store) == []


def test_what_nobody_planned_is_an_internal_error(service, store, monkeypatch, caplog):
    incoming = begin(service, post(NONE))
    monkeypatch.setattr(upload.NewBlob, "write", lambda *_: 1 / 0)
    answer = incoming.write(b"x")
    assert (answer.status, answer.body) == (500, b'{"error":"internal error"}')
    assert "ZeroDivisionError" in caplog.text
    assert files(store) == []
