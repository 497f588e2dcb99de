"""Registries that break, lie or attack: a defined error, in time, and nothing left of it."""

import json
import random
import threading
import tracemalloc
from dataclasses import replace

import pytest
from plain_client import CONFIG, IMAGE, MANIFEST, digest_of
from pulls import HASTY, QUICK, Puller, Told, only_pauses_count
from store_invariants import tree
from wire_faults import (
    Announce,
    Bomb,
    Cut,
    Delay,
    Flip,
    Flood,
    Head,
    Hold,
    Lost,
    NoAnswer,
    NoLength,
    Redirect,
    Say,
    Stall,
    Throttle,
    WholeBody,
    WrongRange,
    challenge,
)

from ollama_nb.errors import Cancelled, OllamaError, RegistryError, SpoiledDownload

WEIGHTS = random.Random(5).randbytes(250_000)
DIGEST = digest_of(WEIGHTS)
TRIED = r"^max retries exceeded: "
LIES = TRIED + r".* gave an answer that cannot be used: "
HTML = b"<html><title>502</title></html>"


@pytest.fixture
def name(plain, proxy, repository):
    plain.push_model(f"{repository}:latest", model=WEIGHTS, template=b"{{ .Prompt }}")
    return f"{proxy.host}/{repository}:latest"


def refused(puller, proxy, name, says):
    """It fails with these words, leaves no model, and works when the registry is good again."""
    told = Told()
    with pytest.raises(OllamaError, match=says):
        puller.pull(name, told=told)
    assert "success" not in told.statuses
    assert told.monotone
    puller.check(broken=True)
    assert not list((puller.root / "manifests").glob("*/*/*/*"))
    proxy.forget()
    assert puller.pull(name).statuses[-1] == "success"
    puller.check()


BLOBS = {
    "closed at once": ([NoAnswer()], TRIED + "cannot reach"),
    "reset at once": ([NoAnswer(reset=True)], TRIED + "cannot reach"),
    "no answer": ([Lost()], TRIED + "cannot reach"),
    "nothing of it": ([Cut(0)], TRIED + "cannot reach"),
    "one byte of it": ([Cut(1)], TRIED + "cannot reach"),
    "never begins": ([Stall(0)], TRIED + "127.0.0.1 stalled: nothing for"),
    "stands still": ([Stall(1000)], TRIED + "127.0.0.1 stalled: nothing for"),
    "400": ([Say(400, None, b"no")], "^400: no$"),
    "401 for ever": ([Say(401)], "^unauthorized: access denied$"),
    "403": ([Say(403, None, b"{}")], "^403: {}$"),
    "404": ([Say(404)], "^file does not exist$"),
    "416": ([Say(416)], TRIED + "416$"),
    "429": ([Say(429, None, b"slow")], TRIED + "429: slow$"),
    "429, soon": ([Say(429, {"Retry-After": "0"})], TRIED + "429$"),
    "429, a moment ago": (
        [Say(429, {"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"})], TRIED + "429$",
    ),
    "429, much later": ([Say(429, {"Retry-After": "9" * 30})], "^429$"),
    "429, in 2090": ([Say(429, {"Retry-After": "Wed, 18 Oct 2090 07:28:00 GMT"})], "^429$"),
    "429, whenever": ([Say(429, {"Retry-After": "soon"})], TRIED + "429$"),
    "500": ([Say(500, None, b"\x1b[31moh\n")], TRIED + r"500: \[31moh$"),
    "502 with a page": ([Say(502, {"Content-Type": "text/html"}, HTML)], TRIED + "502: <html>"),
    "503": ([Say(503)], TRIED + "503$"),
    "200 with a page": (
        [Say(200, {"Content-Type": "text/html"}, HTML)],
        LIES + "31 bytes of text/html instead of 250,000$",
    ),
    "204": ([Say(204)], LIES + "status 204$"),
    "another range": ([WrongRange(1)], LIES + "bytes 1-100000 instead of 0-99999$"),
    "no range": ([Head({"Content-Range": None})], LIES + "it does not say which bytes"),
    "a broken range": ([Head({"Content-Range": "bytes x"})], LIES + "it does not say which bytes"),
    "more than said": ([Announce(-1)], LIES + "its length is not that of its range$"),
    "less than said": ([Announce(1)], LIES + "its length is not that of its range$"),
    "two lengths": ([Head({"Content-Length": ("100000", "99999")})], TRIED),
    "a negative length": ([Head({"Content-Length": "-5"})], TRIED),
    "gzip": ([Bomb(1 << 30)], LIES + "its content is encoded as gzip$"),
    "wrong bytes": ([Flip(150_000)], r"^digest mismatch, file must be downloaded again: want sha"),
    "redirects in a circle": (
        [Redirect("")], r"^maximum redirects exceeded \(10\) for directURL$",
    ),
    "redirect to a file": ([Redirect("file:///etc/passwd", exactly=True)], "protocol file$"),
    "redirect to nowhere": ([Redirect("http://a:b", exactly=True)], TRIED + ".* no address$"),
}  # fmt: skip


@pytest.mark.parametrize("case", BLOBS)
def test_blobs(hasty, proxy, name, case):
    faults, says = BLOBS[case]
    proxy.on(DIGEST, *faults)
    refused(hasty, proxy, name, says)


@pytest.mark.parametrize(
    "faults",
    [
        [WholeBody()],
        [WholeBody(), NoLength()],
        [WholeBody(), NoLength(chunked=False)],
        [NoLength()],
        [NoLength(chunked=False)],
    ],
)
def test_what_is_odd_and_can_be_used(puller, proxy, name, faults):
    proxy.on(DIGEST, *faults)
    told = puller.pull(name)
    assert told.monotone
    puller.check()


@pytest.mark.parametrize(
    "faults",
    [
        [Cut(10_000)], [Cut(99_999)], [Stall(50_000)], [Say(500)], [Say(429, {"Retry-After": "0"})],
        [Flip(150_000)], [Say(200, None, HTML)], [NoAnswer()], [WrongRange(5)],
    ],
)  # fmt: skip
def test_what_passes(hasty, proxy, name, faults):
    proxy.on(DIGEST, *faults, times=3)
    told = hasty.pull(name)
    assert told.monotone
    hasty.check()


def test_a_byte_at_a_time(proxy, name, tmp_path, monkeypatch):
    only_pauses_count(monkeypatch, proxy)
    puller = Puller(tmp_path / "models", patience=replace(HASTY, stall=60, tries=2))
    proxy.on(DIGEST, Throttle(20))
    refused(puller, proxy, name, TRIED + r"127\.0\.0\.1 stalled: [0-9]+ bytes in")


def test_one_stream_that_breaks_off_begins_again(puller, proxy, name):
    proxy.on(DIGEST, WholeBody(), Cut(120_000), times=4)
    proxy.on(DIGEST, WholeBody())
    told = puller.pull(name)
    assert told.monotone
    puller.check()


def test_one_stream_whose_second_try_has_other_bytes(puller, proxy, name):
    """What is hashed is what is there at the end, not what the first try brought."""

    def whole(exchange):
        return not exchange.header("Range")

    proxy.on(DIGEST, WholeBody(), Cut(len(WEIGHTS) // 2), times=1, where=whole)
    proxy.on(DIGEST, WholeBody(), Flip(100), times=1, where=whole)
    proxy.on(DIGEST, WholeBody())
    puller.pull(name)
    assert puller.blob(DIGEST).read_bytes() == WEIGHTS
    assert len([each for each in proxy.seen(DIGEST) if whole(each)]) == 2
    puller.check()


def test_a_blob_longer_than_the_manifest_says(puller, plain, proxy, repository):
    """Of what was not announced nothing is written."""
    plain.push_model(f"{repository}:latest", model=WEIGHTS)
    short = [_layer("model", DIGEST, 1000)]
    proxy.on("/manifests/", Say(200, None, _manifest(short)), times=1)
    refused(puller, proxy, f"{proxy.host}/{repository}", LIES)
    proxy.on("/manifests/", Say(200, None, _manifest(short)), times=1)
    proxy.on(DIGEST, Flood(1 << 30, announced=False))
    other = Puller(puller.root.with_name("other"))
    with pytest.raises(RegistryError, match="it does not end where it should"):
        other.pull(f"{proxy.host}/{repository}")
    assert max(path.stat().st_size for path in other.blobs.iterdir()) == 1000


def test_wrong_bytes_leave_nothing(puller, proxy, name):
    proxy.on(DIGEST, Flip(150_000))
    with pytest.raises(SpoiledDownload) as caught:
        puller.pull(name)
    assert str(caught.value).startswith(
        f"digest mismatch, file must be downloaded again: want {DIGEST}, got sha256:"
    )
    puller.check()
    assert not puller.blob(DIGEST).exists()


MANIFESTS = {
    "closed at once": ([NoAnswer()], "^pull model manifest: cannot reach 127.0.0.1:"),
    "never begins": ([Stall(0)], "^pull model manifest: 127.0.0.1.* stalled"),
    "half of it": ([Cut(100)], "^pull model manifest: cannot reach"),
    "400": ([Say(400, None, b"bad")], "^pull model manifest: 400: bad$"),
    "403": ([Say(403)], "^pull model manifest: 403$"),
    "401 without a word": ([Say(401)], "^pull model manifest: unauthorized: access denied$"),
    "401, basic": (
        [Say(401, {"WWW-Authenticate": 'Basic realm="x"'})],
        "^pull model manifest: unauthorized: access denied$",
    ),
    "a foreign realm": (
        [challenge("http://elsewhere.example/token")],
        '^pull model manifest: realm host "elsewhere.example" does not match original host "127.',
    ),
    "a realm that is no address": ([challenge("http://[")], "^pull model manifest: realm host"),
    "500": ([Say(500)], "^pull model manifest: 500$"),
    "502 with a page": ([Say(502, None, HTML)], "^pull model manifest: 502: <html>"),
    "a long page": ([Say(500, None, b"x" * 1_000_000)], "^pull model manifest: 500: x{2000}$"),
    "100 MB": ([Flood(100 << 20)], "longer than 4,194,304 bytes$"),
    "no end": ([Flood(1 << 40, announced=False)], "longer than 4,194,304 bytes$"),
    "gzip": ([Bomb(1 << 30)], "encoded as gzip$"),
    "an empty page": ([Say(200)], "no manifest"),
    "HTML": ([Say(200, None, HTML)], "no manifest"),
    "no UTF-8": ([Say(200, None, b'{"layers":[{"digest":"\xff"}]}')], "no manifest"),
    "deep": ([Say(200, None, b'{"layers":' + b"[" * 100_000)], "no manifest"),
    "deep and unknown": ([Say(200, None, b'{"x":' + b"[" * 100_000)], "no manifest"),
    "a list": ([Say(200, None, b"[]")], "no manifest"),
    "null": ([Say(200, None, b"null")], "no manifest"),
    "wrong types": ([Say(200, None, b'{"layers":[{"digest":1}]}')], "no manifest"),
    "no layers": ([Say(200, None, b"{}")], "without layers$"),
    "a million layers": (
        [Say(200, None, b'{"layers":[' + b"{}," * 1_000_000 + b"{}]}")], "too large$",
    ),
    "5,000 layers": ([Say(200, None, b'{"layers":[' + b"{}," * 5000 + b"{}]}")], "4,096 layers$"),
    "redirect to a file": ([Redirect("file:///etc/passwd", exactly=True)], "protocol file$"),
}  # fmt: skip


@pytest.mark.parametrize("case", MANIFESTS)
def test_manifests(hasty, proxy, name, case):
    faults, says = MANIFESTS[case]
    proxy.on("/manifests/", *faults)
    refused(hasty, proxy, name, says)
    assert proxy.served("/blobs/") >= len(WEIGHTS)


GOOD = {"mediaType": f"{IMAGE}model", "digest": DIGEST, "size": len(WEIGHTS)}
LAYERS = {
    "an empty digest": ({"digest": "", "size": 1}, r"^library/model[0-9]+: digest is empty$"),
    "no digest": ({"digest": None}, "no manifest"),
    "a short digest": ({"digest": DIGEST[:-1]}, "^invalid digest format$"),
    "a long digest": ({"digest": f"{DIGEST}0"}, "^invalid digest format$"),
    "another algorithm": ({"digest": f"sha512:{DIGEST[7:]}"}, "^invalid digest format$"),
    "a way out": ({"digest": "sha256:../../../../x"}, "^invalid digest format$"),
    "a longer way out": ({"digest": f"sha256-{'../' * 21}x"}, "^invalid digest format$"),
    "NUL": ({"digest": f"sha256:{'0' * 63}\0"}, "^invalid digest format$"),
    "a newline": ({"digest": f"{DIGEST}\n"}, "^invalid digest format$"),
    "no digits": ({"digest": "sha256:" + "\u0660" * 64}, "^invalid digest format$"),
    "a negative size": ({"size": -1}, "a size of -1 for"),
    "a huge size": ({"size": 2**62, "digest": f"sha256:{5:064}"}, "not enough disk space"),
    "a larger size": ({"size": 2**63}, "a size of|no manifest"),
    "an endless size": ({"size": 10**30}, "a size of|no manifest"),
    "no size": ({"size": 0}, "a size of 0 that"),
    "half a size": ({"size": 1.5}, "no manifest"),
    "a size for nothing": ({"digest": digest_of(b"")}, "a size of 250000 that e3b0c44298fc"),
}


@pytest.mark.parametrize("place", ["layers", "config"])
@pytest.mark.parametrize("case", LAYERS)
def test_layers(puller, proxy, name, case, place):
    wrong, says = LAYERS[case]
    if (case, place) == ("an empty digest", "config"):
        return  # it means that there is none
    manifest = json.loads(_manifest([GOOD], GOOD))
    manifest[place] = GOOD | wrong if place == "config" else [GOOD, GOOD | wrong]
    proxy.on("/manifests/", Say(200, None, json.dumps(manifest).encode()))
    before = tree(puller.root.parent)
    with pytest.raises(OllamaError, match=says):
        puller.pull(name)
    after = tree(puller.root.parent)
    made = {path for path in after if path not in before}
    assert made <= {"models", *(f"models/.ollama_nb{each}" for each in OWN)}
    assert not proxy.seen("/blobs/", "GET")
    proxy.forget()
    puller.pull(name)


OWN = ("", "/pins", "/locks", "/drafts")


def test_one_digest_with_two_sizes(puller, proxy, name):
    proxy.on("/manifests/", Say(200, None, _manifest([GOOD, GOOD | {"size": 7}])))
    refused(puller, proxy, name, f"two sizes for {DIGEST}$")


def test_a_digest_in_capitals_means_the_same(puller, proxy, name):
    capitals = GOOD | {"digest": f"sha256:{DIGEST[7:].upper()}"}
    proxy.on("/manifests/", Say(200, None, _manifest([capitals, GOOD])))
    told = puller.pull(name)
    assert told.completed(DIGEST)[-1] == len(WEIGHTS)
    assert puller.store.find(name).weights == puller.blob(DIGEST)


def test_a_manifest_that_changes_on_the_way(puller, plain, proxy, repository, until):
    """What was read first is what is stored, whole."""
    name = f"{proxy.host}/{repository}:latest"
    old = plain.push_model(f"{repository}:latest", model=WEIGHTS)
    gate = threading.Event()
    proxy.on(DIGEST, Hold(1000, gate))
    pulls = threading.Thread(target=puller.pull, args=(name,))
    pulls.start()
    assert until(lambda: proxy.seen(DIGEST))
    plain.push_model(f"{repository}:latest", model=b"another")
    gate.set()
    pulls.join()
    assert puller.store.find(name).manifest.data == old
    puller.check()


def test_large_manifests_take_little_memory(puller, proxy, name):
    puller.pull(name)
    for fault, says in (MANIFESTS[case] for case in ("100 MB", "a million layers", "gzip", "deep")):
        proxy.rules.clear()
        proxy.on("/manifests/", *fault)
        tracemalloc.start()
        with pytest.raises(RegistryError, match=says):
            puller.pull(name)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert most < 50 << 20


PATIENT = replace(QUICK, stall=600, rate_seconds=600, tries=1000)


@pytest.mark.parametrize("where", ["/manifests/", DIGEST])
@pytest.mark.parametrize(
    "fault", [Stall(0), Stall(50), Delay(None), Say(503, {"Retry-After": "2"})]
)
def test_a_pull_is_stopped_whatever_it_waits_for(proxy, name, tmp_path, where, fault, until):
    puller = Puller(tmp_path / "models", patience=PATIENT)
    proxy.on(where, fault)
    stop, ended = threading.Event(), []

    def pull():
        with pytest.raises(Cancelled):
            puller.pull(name, stop=stop)
        ended.append(True)

    thread = threading.Thread(target=pull)
    thread.start()
    assert until(lambda: proxy.seen(where, "GET"))
    stop.set()
    thread.join(120)
    assert ended
    proxy.forget()
    puller.pull(name)
    puller.check()


def _layer(kind, digest, size):
    return {"mediaType": IMAGE + kind, "digest": digest, "size": size}


def _manifest(layers, config=None):
    fields = {"schemaVersion": 2, "mediaType": MANIFEST, "layers": layers}
    if config:
        fields["config"] = config | {"mediaType": CONFIG}
    return json.dumps(fields).encode()
