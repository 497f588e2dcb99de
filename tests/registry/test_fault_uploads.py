"""The proxy's faults while a client sends."""

import re
import time
from http.client import RemoteDisconnected

import pytest
from plain_client import PlainClient, digest_of
from wire_faults import CutUpload, Lost, StallUpload

BLOB = bytes(range(256)) * 2000
DIGEST = digest_of(BLOB)
SIZE = len(BLOB)


@pytest.fixture
def client(proxy):
    return PlainClient(proxy.host)


def test_the_answer_is_lost(client, proxy, plain, repository):
    location = plain.start_upload(repository).headers["Location"]
    proxy.on("/uploads/", Lost(), method="PUT")
    with pytest.raises(RemoteDisconnected):
        client.send("PUT", _through(proxy, location) + f"&digest={DIGEST}", BLOB)
    assert plain.blob(repository, DIGEST).status == 200


def test_an_upload_that_is_cut(client, proxy, plain, repository):
    location = plain.start_upload(repository).headers["Location"]
    proxy.on("/uploads/", CutUpload(1000), method="PATCH")
    with pytest.raises((ConnectionError, RemoteDisconnected)):
        client.send("PATCH", _through(proxy, location), BLOB)
    assert proxy.requests[0].received >= 1000


def test_an_upload_that_stalls(client, proxy, plain, repository):
    location = plain.start_upload(repository).headers["Location"]
    proxy.on("/uploads/", StallUpload(1000, 0.2), method="PATCH")
    started = time.monotonic()
    assert client.send("PATCH", _through(proxy, location), BLOB).status == 202
    assert time.monotonic() - started >= 0.2


def test_an_upload_in_chunks(client, proxy, plain, repository):
    location = plain.start_upload(repository).headers["Location"]
    pieces = (BLOB[at : at + 1000] for at in range(0, SIZE, 1000))
    assert (
        client.send("PATCH", _through(proxy, location), pieces).headers["Range"] == f"0-{SIZE - 1}"
    )
    assert proxy.requests[0].received == SIZE


def _through(proxy, location):
    return re.sub(r"^http://[^/]+", proxy.url, location)
