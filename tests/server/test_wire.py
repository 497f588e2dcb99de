"""What really goes over the socket: chunks, headers, the golden lines of an answer."""

import json
import re
import socket

import pytest
from servers import TOKEN


@pytest.fixture(params=["mounted", "standalone"])
def exchange(request):
    """Send bytes, return all bytes until the server closes."""
    server = request.getfixturevalue("jupyter" if request.param == "mounted" else "standalone")
    prefix = "/user/ann/ollama" if request.param == "mounted" else ""

    def exchange(method, path, body=b"", headers=""):
        head = (
            f"{method} {prefix}{path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
            f"Authorization: Bearer {TOKEN}\r\nContent-Length: {len(body)}\r\n{headers}\r\n"
        )
        with socket.create_connection(server.address, timeout=180) as connection:
            connection.sendall(head.encode() + body)
            with connection.makefile("rb") as answer:
                return answer.read()

    return exchange


def body_of(answer):
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"transfer-encoding: chunked" in head.lower()
    pieces = []
    while body:
        size, _, rest = body.partition(b"\r\n")
        length = int(size, 16)
        pieces.append(rest[:length])
        assert rest[length : length + 2] == b"\r\n"
        body = rest[length + 2 :]
    assert pieces.pop() == b""
    return pieces


def masked(lines):
    """Replace what differs between two runs."""
    lines = re.sub(r'"created_at":"[0-9T:.-]+Z"', '"created_at":"T"', lines)
    lines = re.sub(r'_duration":[1-9][0-9]*', '_duration":1', lines)
    return re.sub(r'"context":\[[0-9,]+\]', '"context":[1]', lines)


def test_golden_lines(exchange):
    request = b'{"model":"guide","prompt":"hello","options":{"temperature":0,"num_predict":2}}'
    pieces = body_of(exchange("POST", "/api/generate", request))
    assert all(piece.endswith(b"}\n") for piece in pieces)
    lines = masked(b"".join(pieces).decode())
    texts = [json.loads(line)["response"] for line in lines.splitlines()]
    expected = "".join(
        f'{{"model":"guide","created_at":"T","response":{json.dumps(text)},"done":false}}\n'
        for text in texts[:-1]
    )
    assert lines.startswith(expected)
    assert re.fullmatch(
        r'\{"model":"guide","created_at":"T","response":"[^"]*","done":true,"done_reason":"length",'
        r'"context":\[1\],"total_duration":1,"load_duration":1,"prompt_eval_count":\d+,'
        r'"prompt_eval_duration":1,"eval_count":2,"eval_duration":1,"sample_count":2,'
        r'"sample_duration":1\}\n',
        lines.removeprefix(expected),
    )


def test_golden_error(exchange):
    answer = exchange("POST", "/api/generate", b"{}")
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 404 Not Found\r\n")
    assert b"\r\nContent-Type: application/json; charset=utf-8\r\n" in head
    assert body == b'{"error":"model \'\' not found"}'


def test_golden_not_found(exchange):
    head, _, body = exchange("GET", "/api/nothing").partition(b"\r\n\r\n")
    assert b"\r\nContent-Type: text/plain; charset=utf-8\r\n" in head
    assert body == b"404 page not found"


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "text/plain", "x"])
def test_the_body_is_read_whatever_it_is_called(exchange, kind):
    body = b'{"model":"nope","prompt":"' + b"a=b&" * 5000 + b'%"}'
    answer = exchange("POST", "/api/generate", body, f"Content-Type: {kind}\r\n")
    assert answer.endswith(b'{"error":"model \'nope\' not found"}')


def test_a_body_that_is_not_utf8(exchange):
    answer = exchange("POST", "/api/generate", b'{"model":"nope","prompt":"\xff\xc3"}')
    assert answer.endswith(b'{"error":"model \'nope\' not found"}')


@pytest.mark.parametrize("wish", ["", "Connection: keep-alive\r\n"])
def test_http_1_0_gets_its_lines_without_chunks_and_then_the_end(standalone, wish):
    body = b'{"model":"guide","prompt":"hi","options":{"num_predict":3}}'
    length = f"Content-Length: {len(body)}\r\n"
    head = f"POST /api/generate HTTP/1.0\r\nHost: x.local\r\n{wish}{length}\r\n"
    with socket.create_connection(standalone.address, timeout=180) as connection:
        connection.sendall(head.encode() + body)
        with connection.makefile("rb") as answer:
            head, _, lines = answer.read().partition(b"\r\n\r\n")
    assert b"keep-alive" not in head.lower()
    assert json.loads(lines.splitlines()[-1])["done"] is True
