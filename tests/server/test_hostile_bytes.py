"""Requests that no HTTP library would send: framing that lies, bodies without end, huge headers."""

import contextlib
import re
import socket
from pathlib import Path

import psutil
import pytest
from raw_http import PATIENCE, answer_of, exchange, request
from servers import BEARER

MEBI = 1 << 20
GIBI = 1 << 30
DIGEST = f"sha256:{'0' * 64}"

JSON_ROUTES = ["/api/generate", "/api/show", "/api/delete", "/v1/responses", "/v1/messages"]


@pytest.fixture(params=["mounted", "standalone"])
def server(request):
    return request.getfixturevalue("jupyter" if request.param == "mounted" else "standalone")


@pytest.fixture
def below(request, server):
    """Put what stands before the contract's paths before a path."""
    prefix = "" if request.node.callspec.params["server"] == "standalone" else "/user/ann/ollama"
    return lambda path: prefix + path


@pytest.fixture
def grown(server):
    """How much memory the server uses at most, beyond what it used at first."""
    folder = Path(f"/proc/{server.process.pid}")
    if not (folder / "clear_refs").exists():
        pytest.skip("needs Linux")
    (folder / "clear_refs").write_text("5")
    before = psutil.Process(server.process.pid).memory_info().rss

    def grown():
        lines = (folder / "status").read_text().splitlines()
        return next(int(line.split()[1]) << 10 for line in lines if "VmHWM" in line) - before

    return grown


def works(server, below):
    return exchange(server.address, request("GET", below("/api/tags"), BEARER)).status == 200


def announced(path, framing, headers=BEARER):
    """The head of a request whose body is still to come."""
    length = {"Content-Length": "", **headers, **framing}
    return request("POST", path, length)


def sent_until_refused(connection, piece, most):
    """Send until the server has had enough. Returns how much it has taken."""
    sent = 0
    with contextlib.suppress(ConnectionError):
        while sent < most:
            connection.sendall(piece)
            sent += len(piece)
    return sent


@pytest.mark.parametrize("path", JSON_ROUTES)
def test_a_gibibyte_is_refused_before_it_is_read(server, below, grown, path):
    data = announced(below(path), {"Content-Length": str(GIBI)})
    with socket.create_connection(server.address, PATIENCE) as connection:
        connection.sendall(data)
        assert answer_of(connection).status == 413
    assert grown() < 4 * MEBI
    assert works(server, below)


CHUNK = b"%x\r\n%b\r\n" % (MEBI, b" " * MEBI)


def test_chunks_without_end_are_refused_at_the_limit(server, below, grown):
    data = announced(below("/api/show"), {"Transfer-Encoding": "chunked"})
    with socket.create_connection(server.address, PATIENCE) as connection:
        connection.sendall(data)
        assert sent_until_refused(connection, CHUNK, GIBI) < GIBI / 4
        assert answer_of(connection).status in (413, 0)  # 0: lost with what it was sent after
    assert grown() < 200 * MEBI
    assert works(server, below)


def test_strangers_bodies_are_not_kept(server, below, grown):
    data = request("GET", below("/api/version"), {"Content-Length": str(100 * MEBI)})
    with socket.create_connection(server.address, PATIENCE) as connection:
        connection.sendall(data)
        sent_until_refused(connection, b" " * MEBI, 100 * MEBI)
        assert answer_of(connection).status == 200
    assert grown() < 16 * MEBI


@pytest.mark.parametrize("packing", ["gzip", "br", "deflate", "x", "gzip, gzip", "zstd, gzip"])
@pytest.mark.parametrize("path", ["/api/generate", "/v1/responses", f"/api/blobs/{DIGEST}"])
def test_packed_bodies_are_refused_before_they_are_read(server, below, path, packing):
    framing = {"Content-Length": "1000000", "Content-Encoding": packing, "Expect": "100-continue"}
    answer = exchange(server.address, announced(below(path), framing))
    assert answer.status == 415
    assert works(server, below)


@pytest.mark.parametrize(
    "framing",
    [{"Content-Length": "-1"}, {"Content-Length": "+2"}, {"Content-Length": "2, 3"},
     {"Content-Length": "0x2"}, {"Content-Length": "2 2"}, {"Content-Length": "٢"},
     {"Content-Length": "2", "Transfer-Encoding": "chunked"},
     {"Transfer-Encoding": "gzip"}, {"Transfer-Encoding": "chunked, chunked"},
     {"Transfer-Encoding": "identity, chunked"}],
    ids=str,
)  # fmt: skip
def test_framing_that_contradicts_itself(server, below, framing):
    data = announced(below("/api/show"), framing) + b'{"model":"guide"}'
    assert exchange(server.address, data).status in (400, 0)
    assert works(server, below)


@pytest.mark.parametrize(
    "chunks", [b"-1\r\n", b"x\r\n", b"2\r\n{}3\r\n", b"1" * 100, b"ffffffffffffffff\r\n", b"\r\n"]
)
def test_chunks_that_are_none(server, below, chunks):
    data = announced(below("/api/show"), {"Transfer-Encoding": "chunked"}) + chunks
    with socket.create_connection(server.address, PATIENCE) as connection:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        assert answer_of(connection).status in (400, 0)
    assert works(server, below)


@pytest.mark.parametrize("length", [5, 30])
def test_a_length_that_lies(server, below, length):
    body = b'{"model":"guide"}'
    data = announced(below("/api/show"), {"Content-Length": str(length)}) + body
    with socket.create_connection(server.address, PATIENCE) as connection:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        answer = answer_of(connection)
    assert answer.status == (400 if length < len(body) else 0)
    assert works(server, below)


@pytest.mark.parametrize(
    "headers",
    [{"X-Long": "x" * 100_000}, {f"X-{number}": "x" * 90 for number in range(1000)}],
    ids=["one", "many"],
)
def test_a_hundred_kibibytes_of_headers(server, below, grown, headers):
    answer = exchange(server.address, request("GET", below("/api/tags"), BEARER | headers))
    assert answer.status in (400, 431, 0)
    assert grown() < 8 * MEBI
    assert works(server, below)


@pytest.mark.parametrize(
    "start",
    [b"", b"GET", b"GET /", b"GET / HTTP/2.0", b"GET / HTTP/9", b"GET  / HTTP/1.1", b"\0\0\0\0",
     b"PRI * HTTP/2.0", b"\x16\x03\x01\x02\x00\x01", b"GET / HTTP/1.1\r\nno colon",
     b"GET / HTTP/1.1\r\n folded", b"GET / HTTP/1.1\r\nHost: a\r\nHost: b",
     b"GET / HTTP/1.1\r\nHost: a b", b"GET / HTTP/1.1", b"G" * 70_000],
    ids=lambda start: repr(start[:40]),
)  # fmt: skip
def test_what_is_not_http(server, below, start):
    with socket.create_connection(server.address, PATIENCE) as connection:
        connection.sendall(start + b"\r\n\r\n")
        connection.shutdown(socket.SHUT_WR)
        assert answer_of(connection).status in (400, 403, 0)
    assert works(server, below)


def test_http_1_0_is_answered_without_chunks_and_closed(server, below):
    answer = exchange(server.address, request("GET", below("/api/tags"), BEARER, version="1.0"))
    assert answer.status == 200
    assert not answer.header("Transfer-Encoding")
    assert int(answer.header("Content-Length")) == len(answer.body)


def test_pipelined_requests_are_answered_in_their_order(server, below):
    stays = {**BEARER, "Connection": "keep-alive"}
    shows = [b'{"model":"nope%d"}' % number for number in range(20)]
    data = b"".join(request("POST", below("/api/show"), stays, body) for body in shows)
    data += request("GET", below("/api/version"))
    with socket.create_connection(server.address, PATIENCE) as connection:
        connection.sendall(data)
        answer = answer_of(connection)
    *refused, last = answer.body.split(b"HTTP/1.1 ")
    assert [int(number) for part in refused for number in re.findall(rb"nope(\d+)", part)] == [
        *range(20)
    ]
    assert last.startswith(b"200 ")


@pytest.mark.parametrize("name", ["a\r\nX-Evil: 1", "a\nX-Evil: 1", "a\0", "\x7f", "é\u2028"])
def test_no_name_becomes_a_header(server, below, name):
    for path in JSON_ROUTES:
        body = f'{{"model":"{name}"}}'.encode().replace(b"\r\n", b"\\r\\n").replace(b"\n", b"\\n")
        method = "DELETE" if "delete" in path else "POST"
        answer = exchange(server.address, request(method, below(path), BEARER, body))
        assert 400 <= answer.status < 500
        assert not answer.header("X-Evil")


@pytest.mark.parametrize("byte", [b"\x01", b"\x7f", b"\x80", b"\xff", b"%0d%0a", b"\t"])
def test_no_path_becomes_a_header(server, below, byte):
    path = below("/api/blobs/").encode() + byte + b"X-Evil:1/"
    answer = exchange(server.address, request("HEAD", path, BEARER))
    assert answer.status in (307, 400, 404)
    assert not answer.header("X-Evil")
