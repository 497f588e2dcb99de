"""Every fault of the proxy's, as a client sees it that believes what it is told."""

import socket
import threading
import time
import zlib
from concurrent.futures import ThreadPoolExecutor
from http.client import IncompleteRead, RemoteDisconnected

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fault_proxy import FaultProxy
from plain_client import PlainClient, digest_of, token
from wire_fault import Fault
from wire_faults import (
    Announce,
    Bomb,
    Cut,
    Delay,
    Flip,
    Flood,
    Head,
    NoAnswer,
    NoLength,
    Redirect,
    Say,
    Stall,
    StallUpload,
    Throttle,
    WholeBody,
    WrongRange,
    challenge,
)

BLOB = bytes(range(256)) * 2000
DIGEST = digest_of(BLOB)
SIZE = len(BLOB)


@pytest.fixture(scope="module", autouse=True)
def _pushed(registry):
    PlainClient(registry.host).push_model("library/tiny:latest", model=BLOB)


@pytest.fixture
def client(proxy):
    return PlainClient(proxy.host)


@pytest.fixture
def get(client):
    """The blob, or a range of it."""
    return lambda span="": client.blob("library/tiny", DIGEST, span)


def test_without_rules_nothing_changes(get, proxy, plain):
    through, direct = get("5-9"), plain.blob("library/tiny", DIGEST, "5-9")
    without_date = [
        sorted((k, v) for k, v in reply.headers.items() if k != "Date")
        for reply in (through, direct)
    ]
    assert without_date[0] == without_date[1]
    assert (through.status, through.body) == (206, BLOB[5:10])
    (seen,) = proxy.requests
    assert (seen.method, seen.status, seen.sent) == ("GET", 206, 5)
    assert seen.path.endswith(DIGEST)
    assert seen.header("range") == "bytes=5-9"
    assert proxy.served(DIGEST) == 5


def test_a_connection_serves_many_requests(proxy):
    ask = f"HEAD /v2/library/tiny/blobs/{DIGEST} HTTP/1.1\r\nHost: {proxy.host}\r\n\r\n".encode()
    with socket.create_connection(("127.0.0.1", proxy.port)) as connection:
        for _ in range(3):
            connection.sendall(ask)
            assert connection.recv(10_000).startswith(b"HTTP/1.1 200 ")
    assert len(proxy.seen(DIGEST, "HEAD")) == 3


@pytest.mark.parametrize("after", [0, 1, SIZE // 2, SIZE - 1])
def test_cut(get, proxy, after):
    proxy.on(DIGEST, Cut(after), times=1)
    with pytest.raises(IncompleteRead) as error:
        get()
    assert error.value.partial == BLOB[:after]
    assert get().body == BLOB
    assert proxy.served(DIGEST) == after + SIZE


def test_reset(get, proxy):
    proxy.on(DIGEST, Cut(1000, reset=True))
    with pytest.raises(ConnectionResetError):
        get()


@pytest.mark.parametrize(
    ("reset", "error"), [(False, RemoteDisconnected), (True, ConnectionResetError)]
)
def test_no_answer(get, proxy, reset, error):
    proxy.on(DIGEST, NoAnswer(reset))
    with pytest.raises(error):
        get()
    assert proxy.requests[0].status == 0


def test_stall(get, proxy):
    proxy.on(DIGEST, Stall(1000, 0.2), times=1)
    started = time.monotonic()
    assert get().body == BLOB
    assert time.monotonic() - started >= 0.2


@pytest.mark.parametrize("fault", [Stall(1000), Stall(0), Delay(None), StallUpload(0)])
def test_for_ever_ends_when_the_client_leaves(proxy, until, fault):
    proxy.on(DIGEST, fault, method="GET|PUT")
    impatient = PlainClient(proxy.host, timeout=0.1)
    with pytest.raises(TimeoutError):
        impatient.send("GET", f"/v2/library/tiny/blobs/{DIGEST}", b"a body")
    assert until(lambda: proxy.requests and proxy.requests[0].ended)
    assert proxy.served() == getattr(fault, "after", 0)


def test_for_ever_ends_with_the_proxy(registry, until):
    with FaultProxy(registry.host) as proxy:
        proxy.on(DIGEST, Stall(1000))
        connection = socket.create_connection(("127.0.0.1", proxy.port))
        connection.sendall(f"GET /v2/library/tiny/blobs/{DIGEST} HTTP/1.1\r\n\r\n".encode())
        assert until(proxy.served)
    connection.close()


def test_throttle(get, proxy):
    proxy.on(DIGEST, Throttle(10_000))
    started = time.monotonic()
    assert get("0-1999").body == BLOB[:2000]
    assert time.monotonic() - started >= 0.2


def test_more_announced_than_sent(get, proxy):
    proxy.on(DIGEST, Announce(7))
    with pytest.raises(IncompleteRead) as error:
        get()
    assert (error.value.partial, error.value.expected) == (BLOB, 7)


def test_more_sent_than_announced(get, proxy):
    proxy.on(DIGEST, Announce(-7))
    reply = get()
    assert reply.body == BLOB[:-7]
    assert proxy.served() == SIZE


@pytest.mark.parametrize("chunked", [True, False])
def test_no_length(get, proxy, chunked):
    proxy.on(DIGEST, NoLength(chunked))
    reply = get()
    assert (reply.status, reply.body) == (200, BLOB)
    assert "Content-Length" not in reply.headers
    assert reply.headers["Transfer-Encoding"] == ("chunked" if chunked else None)


def test_cut_in_chunks(get, proxy):
    proxy.on(DIGEST, NoLength(), Cut(1000))
    with pytest.raises(IncompleteRead):
        get()


def test_the_whole_body_for_a_range(get, proxy):
    proxy.on(DIGEST, WholeBody())
    reply = get("10-19")
    assert (reply.status, reply.body) == (200, BLOB)


def test_another_range(get, proxy):
    proxy.on(DIGEST, WrongRange(100))
    reply = get("10-19")
    assert (reply.status, reply.body) == (206, BLOB[10:20])
    assert reply.headers["Content-Range"] == f"bytes 110-119/{SIZE}"


def test_a_wrong_byte(get, proxy):
    proxy.on(DIGEST, Flip(300_000))
    wrong = BLOB[:300_000] + bytes([BLOB[300_000] ^ 1]) + BLOB[300_001:]
    assert get().body == wrong
    assert get("0-99").body == BLOB[:100]
    assert get("299999-300001").body == wrong[299_999:300_002]


def test_other_headers(get, proxy):
    proxy.on(DIGEST, Head({"Content-Length": ("5", "9"), "Etag": None, "X": "y"}, status=203))
    reply = get()
    assert reply.status == 203
    assert reply.headers.get_all("Content-Length") == ["5", "9"]
    assert (reply.headers["Etag"], reply.headers["X"]) == (None, "y")


@pytest.mark.parametrize(
    "fault",
    [
        Say(416),
        Say(429, {"Retry-After": "1"}),
        Say(500, body=b"oops"),
        Say(502, {"Content-Type": "text/html"}, b"<html>"),
        Say(200, {"Content-Type": "text/html"}, b"<html>Sign in to this network"),
    ],
)
def test_said_twice(get, proxy, fault):
    rule = proxy.on(DIGEST, fault, times=2)
    for _ in range(2):
        reply = get()
        assert (reply.status, reply.body) == (fault.status, fault.body)
        assert (fault.headers or {}).items() <= dict(reply.headers).items()
    assert get().status == 200
    assert rule.hits == 2


def test_rules_one_after_another(get, proxy):
    proxy.on(DIGEST, Say(503), times=1)
    proxy.on(DIGEST, Say(500), times=1, skip=1)
    proxy.on(DIGEST, Say(403), where=lambda exchange: exchange.header("Range"))
    assert [get().status for _ in range(4)] == [503, 200, 500, 200]
    assert get("0-1").status == 403
    proxy.forget()
    assert get("0-1").status == 206
    assert len(proxy.requests) == 1


@pytest.mark.parametrize("status", [302, 307])
def test_redirects(client, get, proxy, elsewhere, status):
    client.token = "secret"
    proxy.on(DIGEST, Redirect(elsewhere.url_as("localhost"), status))
    reply = get("0-9")
    location = reply.headers["Location"]
    assert (reply.status, reply.body) == (status, b"")
    assert location == f"http://localhost:{elsewhere.port}/v2/library/tiny/blobs/{DIGEST}"
    assert PlainClient(proxy.host).send("GET", location).body == BLOB
    assert proxy.requests[0].header("Authorization") == "Bearer secret"
    assert elsewhere.requests[0].header("Authorization") is None


def test_a_redirect_to_exactly_there(get, proxy):
    proxy.on(DIGEST, Redirect("file:///etc/passwd", exactly=True))
    assert get().headers["Location"] == "file:///etc/passwd"


@pytest.mark.parametrize("announced", [True, False])
def test_a_flood(get, proxy, announced):
    proxy.on(DIGEST, Flood(10_000_000, announced))
    reply = get()
    assert reply.body == b" " * 10_000_000
    assert ("Content-Length" in reply.headers) == announced


def test_a_realm_elsewhere(get, proxy, elsewhere):
    proxy.on(DIGEST, challenge(f"{elsewhere.url}/token"), times=1)
    reply = get()
    assert reply.status == 401
    assert f'realm="{elsewhere.url}/token"' in reply.headers["WWW-Authenticate"]
    assert get().status == 200


def test_a_bomb(get, proxy):
    proxy.on(DIGEST, Bomb(32 << 20))
    reply = get()
    assert reply.headers["Content-Encoding"] == "gzip"
    assert len(reply.body) < 1 << 16
    assert zlib.decompress(reply.body, zlib.MAX_WBITS + 16) == bytes(32 << 20)


def test_a_token_reply_with_a_fault(guarded, repository):
    guarded.proxy.on("^/token", Say(200, body=b"{}"), times=1)
    scope, key = f"repository:{repository}:pull", Ed25519PrivateKey.generate()
    assert token(guarded.proxy.host, guarded.realm, scope, key).json() == {}
    assert token(guarded.proxy.host, guarded.realm, scope, key).json()["token"]


class Together(Fault):
    """Ask when so many have come."""

    def __init__(self, count):
        self._all = threading.Barrier(count)

    def instead(self, asked, pause):
        self._all.wait(120)


def test_how_many_at_once(get, proxy):
    proxy.on(DIGEST, Together(4))
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(get, ["0-9"] * 4))
    assert proxy.at_once(DIGEST) == 4


def test_a_registry_that_is_down(proxy, get):
    proxy.upstream = "127.0.0.1:1"
    with pytest.raises(RemoteDisconnected):
        get()
