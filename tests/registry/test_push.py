"""Pushing to a real registry: what it tells, what it sends, and how it gets over faults."""

import hashlib
import json
import random
import signal
import threading
from collections import Counter
from urllib.parse import parse_qs, urlsplit

import pytest
from plain_client import digest_of
from pulls import Puller, Told
from wire_faults import Cut, CutUpload, Delay, Lost, NoAnswer, Redirect, Say, Stall, StallUpload

from ollama_nb.errors import (
    Cancelled,
    ModelNotFound,
    NotInRegistry,
    OllamaError,
    RegistryError,
    RetriesExceeded,
    StoreError,
    UnusableAnswer,
)
from ollama_nb.names import Name

WEIGHTS = random.Random(6).randbytes(350_000)
DIGEST = digest_of(WEIGHTS)
TEMPLATE = b"{{ .Prompt }}"


@pytest.fixture
def source(puller, plain, proxy, repository):
    """A model in the store that the registry knows under another name; where to push it."""
    plain.push_model(f"{repository}:latest", model=WEIGHTS, template=TEMPLATE, license=b"")
    name = f"{proxy.host}/{repository}:latest"
    puller.pull(name)
    proxy.requests.clear()
    return name


@pytest.fixture
def target(source, puller, registry):
    """A name under which the registry has nothing of it: its blobs are gone."""
    name = source.replace("library/", "pushed/")
    puller.copy(source, name)
    return name


def manifest_of(puller, name):
    return puller.store.find(name).manifest.data


def pushed(puller, plain, name):
    """The registry has it, byte for byte, and so has whoever pulls it."""
    path = name.partition("/")[2]
    repository, _, tag = path.rpartition(":")
    assert plain.manifest(repository, tag).body == manifest_of(puller, name)
    other = Puller(puller.root.with_name("other"))
    other.pull(name)
    assert manifest_of(other, name) == manifest_of(puller, name)
    assert other.blob(DIGEST).read_bytes() == WEIGHTS
    return True


def test_the_messages_and_what_is_sent(puller, plain, proxy, target):
    told = puller.push(target)
    document = json.loads(manifest_of(puller, target))
    digests = [layer["digest"] for layer in (*document["layers"], document["config"])]
    assert told.statuses == [
        "retrieving manifest",
        *(f"pushing {digest[7:19]}" for digest in digests),
        "pushing manifest",
        "success",
    ]
    assert told.monotone
    assert told.completed(DIGEST)[-1] == len(WEIGHTS)
    parts = proxy.seen("/uploads/", "PATCH")
    assert [part.header("Content-Range") for part in parts] == [
        "0-99999", "100000-199999", "200000-299999", "300000-349999", "0-12", "0-59",
    ]  # fmt: skip
    assert {part.header("X-Redirect-Uploads") for part in parts} == {"1"}
    assert {part.header("Content-Type") for part in parts} == {"application/octet-stream"}
    assert not any(part.chunked for part in parts)
    first, *_ = proxy.seen("/uploads/", "PUT")
    query = parse_qs(urlsplit(first.path).query)
    assert query["digest"] == [DIGEST]
    sums = b"".join(
        hashlib.md5(WEIGHTS[at : at + 100_000]).digest() for at in range(0, len(WEIGHTS), 100_000)
    )
    assert query["etag"] == [f"{hashlib.md5(sums).hexdigest()}-4"]
    assert pushed(puller, plain, target)


def test_an_empty_blob_is_only_committed(puller, proxy, target):
    puller.push(target)
    commits = proxy.seen("/uploads/", "PUT")
    (empty,) = [each for each in commits if digest_of(b"") in each.path.replace("%3A", ":")]
    session = empty.path.partition("?")[0]
    assert not proxy.seen(session, "PATCH")


def test_a_second_push_sends_nothing(puller, proxy, target):
    puller.push(target)
    proxy.requests.clear()
    told = puller.push(target)
    assert {exchange.method for exchange in proxy.seen()} == {"HEAD", "PUT"}
    assert told.completed(DIGEST)[-1] == len(WEIGHTS)
    assert told.statuses[-1] == "success"


def test_a_layer_from_another_model_is_mounted(puller, plain, proxy, source, repository):
    """As create writes it: the layer says where it comes from."""
    document = json.loads(manifest_of(puller, source))
    document["layers"][0]["from"] = source
    document["layers"][1]["from"] = "/root/.ollama/models/blobs/sha256-0123"
    document["layers"][2]["from"] = "elsewhere.example/library/x:latest"
    name = f"{proxy.host}/mounted/{repository.partition('/')[2]}:latest"
    with puller.store.pinned([DIGEST]):
        puller.store.save(Name.parse(name), json.dumps(document).encode())
    puller.push(name)
    starts = [urlsplit(each.path).query for each in proxy.seen("/uploads/", "POST")]
    assert parse_qs(starts[0]) == {"mount": [DIGEST], "from": [repository]}
    assert not any(starts[1:])
    assert [part.received for part in proxy.seen("/uploads/", "PATCH")] == [13, 60]
    assert pushed(puller, plain, name)


def test_a_model_that_is_not_there(puller, proxy):
    told = Told()
    with pytest.raises(ModelNotFound):
        puller.push(f"{proxy.host}/library/nothing", told=told)
    assert told.statuses == ["retrieving manifest", "couldn't retrieve manifest"]
    assert not proxy.seen()


def test_a_blob_that_is_not_whole(puller, proxy, target):
    puller.blob(DIGEST).write_bytes(b"short")
    with pytest.raises(StoreError, match=f"blob {DIGEST} is damaged"):
        puller.push(target)
    puller.blob(DIGEST).unlink()
    with pytest.raises(StoreError, match=f"blob {DIGEST} cannot be read"):
        puller.push(target)
    assert not proxy.seen("/uploads/")


def test_a_blob_that_has_other_content_is_found_out_when_it_is_refused(puller, target):
    puller.blob(DIGEST).write_bytes(b"x" + WEIGHTS[1:])
    with pytest.raises(StoreError, match=f"blob {DIGEST} is damaged; pull or create it again"):
        puller.push(target)


def test_a_name_that_the_registry_does_not_like(puller, source, proxy):
    name = f"{proxy.host}/library/Capital:latest"
    puller.copy(source, name)
    with pytest.raises(NotInRegistry):
        puller.push(name)


PASSING = {
    "broken in a part": ("PATCH", [CutUpload(50_000)], 2),
    "broken in a later part": ("PATCH", [CutUpload(20_000, reset=True)], 1),
    "a lost answer to a part": ("PATCH", [Lost()], 1),
    "a part that stands still": ("PATCH", [StallUpload(30_000)], 1),
    "500 to a part": ("PATCH", [Say(500)], 2),
    "429 to a part": ("PATCH", [Say(429, {"Retry-After": "0"})], 2),
    "404 to a part": ("PATCH", [Say(404, None, b'{"errors":[]}')], 1),
    "a lost answer to a commit": ("PUT", [Lost()], 1),
    "500 to a commit": ("PUT", [Say(503)], 1),
    "no session": ("POST", [NoAnswer()], 2),
    "no answer to HEAD": ("HEAD", [NoAnswer()], 2),
    "405 to HEAD": ("HEAD", [Say(405)], 2),
    "304 to HEAD": ("HEAD", [Say(304)], 2),
}


@pytest.mark.parametrize("case", PASSING)
def test_what_passes(puller, hasty, plain, proxy, target, case):
    method, faults, times = PASSING[case]
    proxy.on("/blobs/", *faults, method=method, times=times, skip=case.count("later"))
    told = hasty.push(target)
    assert told.statuses[-1] == "success"
    assert told.monotone
    assert pushed(puller, plain, target)


def test_a_commit_that_was_heard_is_not_repeated(puller, proxy, target):
    proxy.on("/uploads/", Lost(), method="PUT", times=1)
    puller.push(target)
    received = [part.received for part in proxy.seen("/uploads/", "PATCH")]
    assert sum(received) == len(WEIGHTS) + 13 + 60


FAILING = {
    "400": ("PATCH", [Say(400, None, b"bad")], "^http status 400 Bad Request: bad$"),
    "500": ("PATCH", [Say(500, None, b"oh")],
            "^max retries exceeded: http status 500 Internal Server Error: oh$"),
    "the connection": ("PATCH", [CutUpload(10)], "^max retries exceeded: cannot reach"),
    "an answer that never comes": ("POST", [Stall(0), Delay(None)], "^max retries .* stalled"),
    "a wrong digest": ("PUT", [Say(400, None, b"DIGEST_INVALID")], "^400: DIGEST_INVALID$"),
    "no location": ("POST", [Say(202)], "^max retries exceeded: .* no address for the upload$"),
    "401": ("POST", [Say(401)], "^unauthorized: access denied$"),
    "a file": ("POST", [Redirect("file:///x", 202, exactly=True)], "^insecure protocol file$"),
    "a commit sent elsewhere": ("PUT", [Redirect("/x", exactly=True)], "used: status 307$"),
    "a part seen elsewhere": ("PATCH", [Redirect("/x", 303, exactly=True)], "status 303$"),
    "half an answer": ("HEAD", [Cut(0), Say(500)], "^max retries exceeded: 500$"),
}  # fmt: skip


@pytest.mark.parametrize("case", FAILING)
def test_what_does_not(puller, hasty, plain, proxy, target, case):
    method, faults, says = FAILING[case]
    proxy.on("/blobs/", *faults, method=method)
    told = Told()
    with pytest.raises(OllamaError, match=says):
        hasty.push(target, told=told)
    assert told.monotone
    assert not proxy.seen("/manifests/")
    proxy.forget()
    puller.push(target)
    assert pushed(puller, plain, target)


def test_failures_are_counted_for_each_part(puller, plain, proxy, target):
    tried = Counter()

    def early(exchange):
        tried[part := exchange.header("Content-Range")] += 1
        return part.startswith(("0-", "100000-", "200000-")) and tried[part] <= 2

    proxy.on("/blobs/", Say(500), method="PATCH", where=early)
    puller.push(target)
    assert sum(tried.values()) > puller.patience.tries + 2
    assert pushed(puller, plain, target)


def test_a_manifest_that_is_sent_elsewhere(puller, proxy, target):
    proxy.on("/manifests/", Redirect("/x", 302, exactly=True), method="PUT")
    with pytest.raises(UnusableAnswer, match=r"status 302$"):
        puller.push(target)


def test_a_refused_manifest(puller, proxy, target):
    proxy.on("/manifests/", Say(400, None, b"MANIFEST_INVALID"), method="PUT")
    with pytest.raises(RegistryError, match=r"^400: MANIFEST_INVALID$"):
        puller.push(target)


def test_parts_that_are_sent_elsewhere(puller, plain, proxy, elsewhere, target):
    """307: the part itself goes to another server, without our token; it keeps all of them."""
    sessions = "/elsewhere/part"
    elsewhere.on(sessions, Say(500), method="PUT", times=1)
    elsewhere.on(sessions, Say(201), method="PUT")
    proxy.on(
        "/uploads/",
        Say(307, {
            "Location": elsewhere.url_as("localhost") + sessions,
            "Docker-Upload-Location": f"{proxy.url}/v2/x/blobs/uploads/next",
        }),
        method="PATCH",
    )  # fmt: skip
    proxy.on("/uploads/next", Say(201), method="PUT")
    proxy.on("/manifests/", Say(201), method="PUT")
    puller.push(target)
    parts = elsewhere.seen(sessions, "PUT")
    assert [part.received for part in parts] == [100_000, 100_000, 100_000, 100_000, 50_000, 13, 60]
    assert {part.header("Content-Range") for part in parts} == {None}
    commit = proxy.seen("/uploads/next", "PUT")[0]
    assert DIGEST.replace(":", "%3A") in commit.path
    # Nobody waits for a part that will not be read.
    assert proxy.seen("/uploads/", "PATCH")[0].path


@pytest.mark.parametrize("where", ["HEAD", "POST", "PATCH", "PUT"])
def test_a_push_is_stopped_whatever_it_waits_for(puller, plain, proxy, target, where, until):
    proxy.on("/blobs/", Delay(None), method=where)
    stop, ended = threading.Event(), []

    def push():
        with pytest.raises(Cancelled):
            puller.push(target, stop=stop)
        ended.append(True)

    thread = threading.Thread(target=push)
    thread.start()
    assert until(lambda: proxy.seen("/blobs/", where))
    stop.set()
    thread.join(120)
    assert ended
    proxy.forget()
    puller.push(target)
    assert pushed(puller, plain, target)


@pytest.mark.parametrize(
    "point",
    [
        "session-opened", "upload-piece", "upload-piece:3", "part-sent:2", "before-commit",
        "committed", "between-uploads:2", "manifest-sent",
    ],
)  # fmt: skip
def test_killed_at(puller, plain, proxy, target, children, point):
    point, _, count = point.partition(":")
    code, told = children.run(puller, target, verb="push", failpoint=f"{point}:kill:{count or 1}")
    assert code == -signal.SIGKILL
    assert told[-1]["status"] != "success"
    puller.check()
    puller.push(target)
    assert pushed(puller, plain, target)


def test_behind_a_token(puller, guarded, source, plain, repository):
    name = f"{guarded.proxy.host}/secret/{repository.partition('/')[2]}:latest"
    puller.copy(source, name)
    guarded.tokens.keys = set()
    with pytest.raises(RegistryError, match=r"^unauthorized: unknown ollama key "):
        puller.push(name)
    guarded.tokens.keys = None
    puller.push(name)
    assert pushed(puller, plain, name)
    assert issubclass(RetriesExceeded, RegistryError)
