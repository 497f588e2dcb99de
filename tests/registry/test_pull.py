"""Pulling from a real registry: what it tells, what it leaves on the disk, what it asks for."""

import json
import random
import threading

import pytest
from plain_client import CONFIG, IMAGE, MANIFEST, digest_of
from pulls import QUICK, Puller, Told
from wire_faults import Say

from ollama_nb.errors import (
    Cancelled,
    DiskFull,
    InvalidName,
    ManifestNotPulled,
    NotInRegistry,
    RegistryError,
    StoreError,
)
from ollama_nb.wire import ProgressResponse

WEIGHTS = random.Random(1).randbytes(350_000)
TEMPLATE = b"{{ .Prompt }}"


@pytest.fixture
def model(plain, proxy, repository):
    """A model in the registry: its name by way of the proxy, and its manifest."""
    manifest = plain.push_model(f"{repository}:latest", model=WEIGHTS, template=TEMPLATE)
    return f"{proxy.host}/{repository}:latest", manifest


def digests(manifest):
    document = json.loads(manifest)
    return [layer["digest"] for layer in (*document["layers"], document["config"])]


def test_the_messages_and_their_order(puller, model):
    name, manifest = model
    told = puller.pull(name)
    weights, template, config = digests(manifest)
    assert told.statuses == [
        "pulling manifest",
        f"pulling {weights[7:19]}",
        f"pulling {template[7:19]}",
        f"pulling {config[7:19]}",
        "verifying sha256 digest",
        "writing manifest",
        "success",
    ]
    assert told.monotone
    assert told.completed(weights)[-1] == len(WEIGHTS)
    assert {line.total for line in told.lines if line.digest == weights} == {len(WEIGHTS)}
    found = puller.store.find(name)
    assert found.manifest.data == manifest
    assert puller.blob(weights).read_bytes() == WEIGHTS
    assert puller.partials() == []
    puller.check()


def test_a_second_pull_downloads_nothing(puller, model, proxy):
    name, manifest = model
    puller.pull(name)
    proxy.requests.clear()
    told = puller.pull(name)
    weights, template, config = digests(manifest)
    assert [line for line in told.lines if line.digest] == [
        ProgressResponse(
            status=f"pulling {digest[7:19]}", digest=digest, total=size, completed=size
        )
        for digest, size in (
            (weights, len(WEIGHTS)),
            (template, len(TEMPLATE)),
            (config, puller.blob(config).stat().st_size),
        )
    ]
    assert [exchange.path.split("/")[-2] for exchange in proxy.seen()] == ["manifests"]


def test_a_blob_comes_in_parts_with_inclusive_ranges(puller, model, proxy):
    name, manifest = model
    puller.pull(name)
    ranges = sorted(each.header("Range") for each in proxy.seen(digests(manifest)[0]))
    assert ranges == [
        "bytes=0-99999", "bytes=100000-199999", "bytes=200000-299999", "bytes=300000-349999",
    ]  # fmt: skip
    assert {each.header("Accept-Encoding") for each in proxy.seen()} == {"identity"}
    assert proxy.at_once() <= QUICK.connections


def test_a_model_that_the_registry_does_not_have(puller, proxy):
    told = Told()
    with pytest.raises(ManifestNotPulled, match=r"^pull model manifest: file does not exist$"):
        puller.pull(f"{proxy.host}/library/nothing", told=told)
    assert told.statuses == ["pulling manifest"]
    assert not puller.root.exists()


def test_a_new_version_leaves_nothing_of_the_old_one(puller, model, plain, repository):
    name, manifest = model
    puller.pull(name)
    plain.push_model(f"{repository}:latest", model=b"new" * 100, template=TEMPLATE)
    told = puller.pull(name)
    assert told.statuses[-3:] == ["writing manifest", "removing unused layers", "success"]
    weights, template, _ = digests(manifest)
    assert not puller.blob(weights).exists()
    assert puller.blob(template).exists()
    puller.check()


def test_a_manifest_is_stored_as_it_came(puller, plain, proxy, repository):
    for data in (WEIGHTS, b"{}\n"):
        plain.push_blob(repository, data)
    manifest = json.dumps(
        {
            "mediaType": MANIFEST, "schemaVersion": 2, "extra": {"a": [1]},
            "layers": [{"size": len(WEIGHTS), "digest": digest_of(WEIGHTS),
                        "mediaType": f"{IMAGE}model", "name": "x"}],
            "config": {"mediaType": CONFIG, "size": 3, "digest": digest_of(b"{}\n")},
        },
        indent=3,
    ).encode()  # fmt: skip
    assert plain.put_manifest(repository, "Q4_K_M", manifest).status == 201
    puller.pull(f"{proxy.host}/{repository}:Q4_K_M")
    path = puller.root / "manifests" / proxy.host / repository / "Q4_K_M"
    assert path.read_bytes() == manifest


def test_an_empty_blob_needs_no_request(puller, plain, proxy, repository):
    plain.push_model(f"{repository}:latest", model=WEIGHTS, license=b"")
    puller.pull(f"{proxy.host}/{repository}")
    assert puller.blob(digest_of(b"")).read_bytes() == b""
    assert not proxy.seen(digest_of(b""))


def test_what_lies_in_a_lower_store_is_not_downloaded(puller, model, proxy, tmp_path):
    name, manifest = model
    puller.pull(name)
    proxy.requests.clear()
    upper = Puller(tmp_path / "upper", puller.root)
    upper.pull(name)
    assert not proxy.seen("/blobs/")
    assert upper.blob(digests(manifest)[0]).read_bytes() == WEIGHTS
    upper.check()


def test_a_blob_that_lost_its_end_is_replaced(puller, model):
    name, manifest = model
    puller.pull(name)
    path = puller.blob(digests(manifest)[0])
    path.write_bytes(WEIGHTS[:1000])
    puller.pull(name)
    assert path.read_bytes() == WEIGHTS


def test_no_registry_at_all(puller, proxy):
    with pytest.raises(RegistryError, match=r"cannot reach 127\.0\.0\.1:1: Connection refused"):
        puller.pull("127.0.0.1:1/library/tiny")
    with pytest.raises(RegistryError, match="cannot reach no_such_host: "):
        puller.pull("no_such_host/library/tiny")
    with pytest.raises(RegistryError, match="pull model manifest: "):  # it does not speak TLS
        puller.pull(f"{proxy.host}/library/tiny", insecure=False)
    with pytest.raises(InvalidName):
        puller.pull("127.0.0.1:99999999/library/tiny")
    with pytest.raises(InvalidName):
        puller.pull("x@y")


def test_a_pull_that_was_stopped_before(puller, model):
    stop = threading.Event()
    stop.set()
    with pytest.raises(Cancelled):
        puller.pull(model[0], stop=stop)


def test_a_disk_without_room_is_found_out_first(model, proxy, tmp_path):
    puller = Puller(tmp_path / "models", disk_reserve=1 << 60)
    with pytest.raises(DiskFull, match="bytes are needed and"):
        puller.pull(model[0])
    assert not proxy.seen("/blobs/")
    assert puller.partials() == []
    roomy = Puller(tmp_path / "models")
    roomy.pull(model[0])
    puller.pull(model[0])  # nothing is missing any more


def test_a_file_that_may_not_grow(puller, model, children):
    name, _ = model
    code, told = children.run(puller, name, largest=200_000)
    assert (code, told[-1]["error"][:21]) == (1, "not enough disk space")
    puller.pull(name)
    puller.check()


def test_a_store_that_cannot_be_written(model, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises((StoreError, OSError)) as caught:
        Puller(tmp_path / "file" / "models").pull(model[0])
    assert isinstance(caught.value, StoreError)


def test_a_refused_manifest_is_asked_for_again_when_told_so(puller, model, proxy):
    proxy.on("/manifests/", Say(429, {"Retry-After": "0"}), times=2)
    puller.pull(model[0])
    proxy.on("/manifests/", Say(429, {"Retry-After": "3600"}, b"slow down"))
    with pytest.raises(ManifestNotPulled, match=r"^pull model manifest: 429: slow down$"):
        puller.pull(model[0])
    assert NotInRegistry().status == 500
