"""The tests' own registries: that they hold what they are given and let in who may come in."""

import subprocess
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_ssh_private_key
from plain_client import MANIFEST, PlainClient, digest_of, public_text, token
from wire_faults import CutUpload

WEIGHTS = bytes(range(256)) * 1000
SCOPE = "repository:{}:pull,push"


@pytest.fixture
def key():
    return Ed25519PrivateKey.generate()


def test_a_model_comes_back_byte_for_byte(plain, repository):
    manifest = plain.push_model(
        f"{repository}:Q4_K_M",
        model=WEIGHTS, template=b"{{ .Prompt }}", params=b'{"top_k":1}\n', license=b"",
    )  # fmt: skip
    answer = plain.manifest(repository, "Q4_K_M")
    assert (answer.status, answer.body) == (200, manifest)
    assert answer.headers["Content-Type"] == MANIFEST
    assert answer.headers["Docker-Content-Digest"] == digest_of(manifest)
    assert plain.blob(repository, digest_of(WEIGHTS)).body == WEIGHTS
    assert plain.blob(repository, digest_of(b"")).status == 200


def test_ranges(plain, repository):
    digest = plain.push_blob(repository, WEIGHTS)
    part = plain.blob(repository, digest, "1000-1999")
    assert (part.status, part.body) == (206, WEIGHTS[1000:2000])
    assert part.headers["Content-Range"] == f"bytes 1000-1999/{len(WEIGHTS)}"


def test_a_manifest_whose_blobs_are_missing_is_refused(plain, repository):
    manifest = plain.push_model(f"{repository}:latest", model=WEIGHTS)
    answer = plain.put_manifest("library/another", "latest", manifest)
    assert answer.status == 400
    assert answer.json()["errors"][0]["code"] == "MANIFEST_BLOB_UNKNOWN"


def test_an_upload_in_parts(plain, repository):
    session = plain.start_upload(repository)
    for at in range(0, len(WEIGHTS), 100_000):
        part = WEIGHTS[at : at + 100_000]
        span = f"{at}-{at + len(part) - 1}"
        session = plain.send("PATCH", session.headers["Location"], part, Content_Range=span)
        assert session.status == 202
        assert session.headers["Range"] == f"0-{at + len(part) - 1}"
    location = session.headers["Location"]
    assert plain.send("GET", location).headers["Range"] == f"0-{len(WEIGHTS) - 1}"
    assert plain.send("PUT", f"{location}&digest={digest_of(WEIGHTS)}").status == 201


def test_a_part_that_breaks_off_spoils_the_session(plain, repository, proxy, until):
    proxy.on("/uploads/", CutUpload(100_000), method="PATCH")
    location = plain.start_upload(repository).headers["Location"]
    broken = PlainClient(proxy.host)
    with pytest.raises(ConnectionError):
        broken.send("PATCH", _path(location), WEIGHTS)
    assert until(lambda: plain.send("GET", location).status == 404)
    assert plain.send("PATCH", location, b"little").status == 404
    assert plain.push_blob(repository, WEIGHTS) == digest_of(WEIGHTS)


def test_mounting(plain, repository):
    digest = plain.push_blob(repository, WEIGHTS)
    mounted = plain.start_upload("library/mounted", f"?mount={digest}&from={repository}")
    assert mounted.status == 201
    unknown = plain.start_upload("library/mounted", f"?mount={digest_of(b'?')}&from={repository}")
    assert unknown.status == 202


def test_locations_lead_back_to_the_proxy(proxy, repository):
    client = PlainClient(proxy.host)
    manifest = client.push_model(f"{repository}:latest", model=WEIGHTS)
    assert client.manifest(repository, "latest").body == manifest
    assert len(proxy.seen("/uploads/", "PATCH")) == 2
    assert proxy.seen("/uploads/", "PATCH")[0].received == len(WEIGHTS)


def test_the_guarded_registry_names_its_realm(guarded, repository):
    answer = PlainClient(guarded.proxy.host).manifest(repository, "latest")
    assert answer.status == 401
    says = answer.headers["WWW-Authenticate"]
    assert says == f'Bearer realm="{guarded.realm}",service="registry",scope="{_pull(repository)}"'


def test_a_proven_key_pulls_and_pushes(guarded, repository, key):
    host = guarded.proxy.host
    given = token(host, guarded.realm, SCOPE.format(repository), key).json()["token"]
    manifest = PlainClient(host, given).push_model(f"{repository}:latest", model=WEIGHTS)
    assert PlainClient(host, given).manifest(repository, "latest").body == manifest
    assert PlainClient(host, given).manifest("library/other", "latest").status == 401
    (request,) = guarded.tokens.requests
    assert request.key == public_text(key)
    assert request.scopes == [SCOPE.format(repository)]
    assert not request.wrong


def test_a_key_made_by_ssh_keygen(guarded, repository, tmp_path):
    path = tmp_path / "id_ed25519"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True)
    key = load_ssh_private_key(path.read_bytes(), None)
    guarded.tokens.keys = {path.with_suffix(".pub").read_text().split()[1]}
    assert token(guarded.proxy.host, guarded.realm, _pull(repository), key).status == 200


def test_what_the_token_server_refuses(guarded, repository, key):
    host, scope = guarded.proxy.host, _pull(repository)
    realm = guarded.realm
    assert PlainClient(host).send("GET", realm).status == 401
    assert token(host, realm, scope, key, nonce="eA").status == 401
    assert token(host, realm, scope, key, ts="1700000000").status == 401
    assert token(host, realm, scope, key, service="another").status == 401
    # Signed for one name of the host, sent to another.
    port = guarded.proxy.port
    assert token(host, f"http://localhost:{port}/token", scope, key).status == 200
    good = guarded.tokens.requests[-1]
    replayed = good.url.replace("localhost", "127.0.0.1")
    answer = PlainClient(host).send("GET", replayed, Authorization=good.authorization)
    assert answer.status == 401
    guarded.tokens.keys = set()
    assert token(host, realm, scope, key).status == 401
    assert [request.wrong for request in guarded.tokens.requests] == [
        "nonce, scope, service, ts missing",
        "nonce is not 16 bytes without padding",
        "ts is not now",
        "another service",
        "",
        "bad signature",
        f'unknown ollama key "ssh-ed25519 {public_text(key)}"',
    ]


@pytest.mark.parametrize("fault", ["expired", "too little", "forged"])
def test_tokens_that_the_registry_refuses(guarded, repository, key, fault):
    if fault == "expired":
        guarded.tokens.lifetime = -120
    if fault == "too little":
        guarded.tokens.actions = {"pull"}
    given = token(guarded.proxy.host, guarded.realm, SCOPE.format(repository), key).json()["token"]
    if fault == "forged":
        given = given[:-8] + "AAAAAAAA"
    answer = PlainClient(guarded.proxy.host, given).start_upload(repository)
    assert answer.status == 401
    assert "Bearer realm=" in answer.headers["WWW-Authenticate"]


def test_mounting_asks_for_both_scopes(guarded, repository):
    query = f"?mount={digest_of(b'')}&from=library/origin"
    says = PlainClient(guarded.proxy.host).start_upload(repository, query)
    assert "repository:library/origin:pull" in says.headers["WWW-Authenticate"]


def _pull(repository):
    return f"repository:{repository}:pull"


def _path(url):
    parts = urlsplit(url)
    assert parse_qs(parts.query)["_state"]
    return f"{parts.path}?{parts.query}"
