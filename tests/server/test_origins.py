"""Who may read answers and by which names we are reached (Ollama API, 1.6), as pure functions."""

import pytest

from ollama_nb.server.origins import (
    Verdict,
    cors_headers,
    host_allowed,
    is_loopback,
    judge,
    preflight_headers,
)

HOST = "127.0.0.1:11434"


@pytest.mark.parametrize("origin", ["", f"http://{HOST}", f"https://{HOST}"])
def test_same(origin):
    assert judge(origin, HOST, ()) is Verdict.SAME


@pytest.mark.parametrize(
    "origin",
    ["http://localhost", "https://localhost", "http://localhost:3000", "https://127.0.0.1:1",
     "http://127.0.0.1", "http://0.0.0.0:8080", "HTTP://LOCALHOST", "app://obsidian.md", "file://",
     "file:///home", "tauri://localhost", "vscode-webview://1a2b", "vscode-file://vscode-app"],
)  # fmt: skip
def test_local_pages_and_applications(origin):
    assert judge(origin, HOST, ()) is Verdict.ALLOWED


@pytest.mark.parametrize(
    "origin",
    ["null", "https://evil.example", "http://localhost.evil.example", "http://localhost:80.evil",
     "http://evil.example/http://localhost", "http://127.0.0.1:80@evil", "http://localhost:",
     "chrome-extension://abc", "http://127.0.0.2", "ftp://localhost", f"http://{HOST}/",
     "xapp://x", "http://192.168.1.2"],
)  # fmt: skip
def test_other_pages(origin):
    assert judge(origin, HOST, ()) is Verdict.REFUSED


@pytest.mark.parametrize(
    ("pattern", "origin", "verdict"),
    [
        ("https://a.example", "https://a.example", Verdict.ALLOWED),
        ("https://a.example", "https://a.example.evil", Verdict.REFUSED),
        ("https://a.example", "https://a.example:8443", Verdict.REFUSED),
        ("https://*.a.example", "https://b.a.example", Verdict.ALLOWED),
        ("https://*.a.example", "https://a.example", Verdict.REFUSED),
        ("https://*.a.example", "https://.a.exampl", Verdict.REFUSED),
        ("https://a.example:*", "https://a.example:8443", Verdict.ALLOWED),
        ("chrome-extension://*", "chrome-extension://abc", Verdict.ALLOWED),
        ("*", "https://evil.example", Verdict.ALLOWED),
        ("*", "null", Verdict.ALLOWED),
        ("http://*.a.*", "http://b.a.example", Verdict.REFUSED),
        ("ab*ba", "aba", Verdict.REFUSED),
    ],
)
def test_configured(pattern, origin, verdict):
    assert judge(origin, HOST, ("https://x.example", pattern)) is verdict


def test_answers_name_one_origin_and_never_credentials():
    assert cors_headers("http://localhost:3000", ()) == {
        "Access-Control-Allow-Origin": "http://localhost:3000",
        "Vary": "Origin",
    }
    assert cors_headers("http://x", ("*",)) == {"Access-Control-Allow-Origin": "*"}


def test_preflight():
    headers = preflight_headers("http://localhost", ())
    assert headers["Access-Control-Allow-Methods"] == "GET,POST,PUT,PATCH,DELETE,HEAD,OPTIONS"
    assert headers["Access-Control-Max-Age"] == "43200"
    names = headers["Access-Control-Allow-Headers"].split(",")
    assert {"Authorization", "Content-Type", "x-stainless-poll-helper", "x-api-key"} <= set(names)
    vary = "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"
    assert headers["Vary"] == vary
    assert not any("Credentials" in name for name in headers)


def own():
    return ("203.0.113.7", "2001:db8::7")


@pytest.mark.parametrize(
    "host",
    ["", "localhost", "LocalHost:11434", "127.0.0.1:11434", "127.9.9.9", "[::1]:11434", "::1",
     "box", "BOX:80", "a.localhost", "nas.local:1", "x.internal", "192.168.1.2", "10.0.0.1:1",
     "172.16.0.1", "0.0.0.0:11434", "[fd00::1]", "203.0.113.7", "[2001:DB8::7]:1"],
)  # fmt: skip
def test_hosts_of_this_machine(host):
    assert host_allowed(host, "box", own)


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:11434", "local", "localhost.evil.example", "boxer", "internal",
     "198.51.100.1", "8.8.8.8:11434", "[2606:4700::1111]", "localhost:1:2", "127.0.0.1.evil"],
)  # fmt: skip
def test_other_hosts(host):
    assert not host_allowed(host, "box", own)


@pytest.mark.parametrize("address", ["127.0.0.1", "127.1.2.3", "::1", "localhost", "a.localhost"])
def test_loopback(address):
    assert is_loopback(address)


@pytest.mark.parametrize("address", ["", "0.0.0.0", "::", "192.168.1.2", "box", "example.org"])
def test_not_loopback(address):
    assert not is_loopback(address)
