"""``jupyter ollama serve``: its door, its refusals, its end."""

import json
import signal
import socket
import subprocess
import sys

import patient_http
import pytest
from raw_http import exchange, request
from servers import TOKEN, environment, standalone_server

ALLOWED = "http://localhost:3000"
FOREIGN = "https://evil.example"


@pytest.mark.parametrize(
    "path", ["/api", "/api/kernels", "/api/contents", "/api/me", "/metrics", "/login", "/logout",
             "/lab", "/static/favicon.ico", "/api/spec.yaml"],
)  # fmt: skip
def test_nothing_of_jupyter_is_left(standalone, path):
    answer = patient_http.get(standalone.url + path)
    assert (answer.status_code, answer.text) == (404, "404 page not found")
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    ("method", "target", "status", "body"),
    [
        ("GET", "http://localhost:11434/", 200, b"Ollama is running"),
        ("GET", "HTTPS://localhost", 200, b"Ollama is running"),
        ("GET", "http://localhost/?x=/api", 200, b"Ollama is running"),
        ("GET", "http://localhost/api/nothing", 404, b"404 page not found"),
        ("OPTIONS", "*", 404, b"404 page not found"),
        ("GET", "api", 404, b"404 page not found"),
        ("GET", "ftp://localhost/", 404, b"404 page not found"),
    ],
)
def test_what_is_asked_for_as_of_a_proxy_is_ours_too(standalone, method, target, status, body):
    answer = exchange(standalone.address, request(method, target))
    assert (answer.status, answer.body) == (status, body)


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/api/tags", {"X-Long": "x" * 70_000}),
        ("/api/tags", {f"X-{number}": "x" * 60 for number in range(1100)}),
        ("/api/" + "x" * 70_000, {}),
    ],
    ids=["one", "many", "path"],
)
def test_headers_beyond_the_limit_are_told_so(standalone, path, headers):
    answer = exchange(standalone.address, request("GET", path, headers))
    assert (answer.status, json.loads(answer.body)) == (
        431, {"error": "request headers are larger than 64 KiB"},
    )  # fmt: skip


@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS", "DELETE"])
@pytest.mark.parametrize("path", ["/", "/api/tags", "/nothing"])
def test_foreign_pages_are_refused(standalone, method, path):
    answer = patient_http.request(method, standalone.url + path, headers={"Origin": FOREIGN})
    assert (answer.status_code, answer.content) == (403, b"")
    assert not any(name.startswith("access-control") for name in answer.headers)


def test_preflight(standalone):
    answer = patient_http.options(standalone.url + "/api/generate", headers={"Origin": ALLOWED})
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["access-control-allow-origin"] == ALLOWED
    assert "access-control-allow-credentials" not in answer.headers
    assert "Authorization" in answer.headers["access-control-allow-headers"]


@pytest.mark.parametrize("path", ["/api/tags", "/nothing", "/api/tags/"])
def test_allowed_pages_read_answers_and_errors(standalone, path):
    answer = patient_http.get(standalone.url + path, headers={"Origin": ALLOWED})
    assert answer.headers["access-control-allow-origin"] == ALLOWED
    assert answer.headers["vary"] == "Origin"


def test_allowed_pages_read_streams(standalone):
    body = {"model": "guide", "prompt": "hi", "options": {"num_predict": 2}}
    answer = patient_http.post(
        standalone.url + "/api/generate", json=body, headers={"Origin": ALLOWED}
    )
    assert answer.headers["access-control-allow-origin"] == ALLOWED
    assert answer.status_code == 200


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_its_own_pages_need_no_cors(standalone, scheme):
    host = standalone.url.partition("://")[2]
    answer = patient_http.get(standalone.url, headers={"Origin": f"{scheme}://{host}"})
    assert answer.status_code == 200
    assert "access-control-allow-origin" not in answer.headers


def test_options_without_an_origin(standalone):
    assert patient_http.options(standalone.url + "/api/generate").text == "405 method not allowed"
    assert patient_http.options(standalone.url + "/nothing").status_code == 404


@pytest.mark.parametrize(
    ("host", "status"),
    [("localhost:1", 200), ("x.local", 200), ("10.1.2.3", 200), (socket.gethostname(), 200),
     ("evil.example", 403), ("evil.example:11434", 403), ("8.8.8.8", 403)],
)  # fmt: skip
def test_host_names(standalone, host, status):
    answer = patient_http.get(standalone.url + "/api/version", headers={"Host": host})
    assert answer.status_code == status
    if status == 403:
        assert answer.content == b""


def test_a_name_that_leads_here_is_refused_although_its_page_matches(standalone):
    headers = {"Host": "evil.example", "Origin": "http://evil.example"}
    answer = patient_http.post(standalone.url + "/api/generate", json={}, headers=headers)
    assert (answer.status_code, answer.content) == (403, b"")


def test_any_authorization_is_ignored_without_a_token(standalone):
    for value in ("Bearer x", "Basic dTpw", "token y"):
        answer = patient_http.get(standalone.url + "/api/tags", headers={"Authorization": value})
        assert answer.status_code == 200


def test_it_says_where_it_listens_and_how_to_try_it(standalone):
    log = standalone.log.read_text()
    assert f"is served at {standalone.url};" in log
    assert f"curl {standalone.url}/api/generate -d" in log


def test_a_taken_port(standalone, tmp_path, stocked):
    port = standalone.address[1]
    ended = subprocess.run(
        [sys.executable, "-m", "ollama_nb", "serve", "--port", str(port)],
        env=environment(tmp_path, stocked),
        capture_output=True,
        text=True,
        timeout=patient_http.PATIENCE,
        check=False,
    )
    assert ended.returncode == 1
    assert f"Not started: 127.0.0.1:{port}: Address already in use" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.fixture(scope="module")
def guarded(tmp_path_factory, stocked):
    """Listens for other machines, with a token; reached over loopback all the same."""
    root = tmp_path_factory.mktemp("guarded")
    options = ("--ip", "0.0.0.0", "--token", TOKEN, "--OllamaApp.keep_alive=10m")
    with standalone_server(root, stocked, *options, OLLAMA_ORIGINS="https://a.example") as server:
        yield server


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 403),
        ({"Authorization": "Bearer wrong"}, 403),
        ({"Authorization": f"Bearer {TOKEN}"}, 200),
        ({"Authorization": f"token {TOKEN}"}, 200),
        ({"Authorization": f"Bearer {TOKEN}", "Host": "any.example"}, 200),
        ({"Authorization": f"Bearer {TOKEN}", "Origin": "https://a.example"}, 200),
        ({"Authorization": f"Bearer {TOKEN}", "Origin": FOREIGN}, 403),
    ],
)
def test_with_a_token(guarded, headers, status):
    answer = patient_http.get(guarded.url + "/api/tags", headers=headers)
    assert answer.status_code == status
    posted = patient_http.post(guarded.url + "/api/generate", json={}, headers=headers)
    assert posted.status_code == (404 if status == 200 else 403)


@pytest.mark.parametrize(
    ("path", "key", "status"),
    [
        ("/v1/messages", TOKEN, 400),
        ("/v1/messages", "wrong", 403),
        ("/v1/chat/completions", TOKEN, 403),
        ("/api/chat", TOKEN, 403),
    ],
)
def test_with_a_key_where_clients_send_one(guarded, path, key, status):
    answer = patient_http.post(guarded.url + path, json={}, headers={"x-api-key": key})
    assert answer.status_code == status


def test_the_heartbeat_and_the_version_need_none(guarded):
    assert patient_http.get(guarded.url).text == "Ollama is running"
    assert patient_http.get(guarded.url + "/api/version").status_code == 200
    assert patient_http.get(guarded.url + "/api/nothing").status_code == 403


def test_preflight_needs_none(guarded):
    headers = {"Origin": "https://a.example"}
    assert patient_http.options(guarded.url + "/api/tags", headers=headers).status_code == 204


def test_ctrl_c_ends_an_answer_and_the_server(tmp_path, stocked):
    with standalone_server(tmp_path / "root", stocked) as server:
        body = {"model": "endless", "prompt": "x", "options": {"temperature": 0}}
        url = server.url + "/api/generate"
        with patient_http.stream("POST", url, json=body) as answer:
            lines = answer.iter_lines()
            assert json.loads(next(lines))["done"] is False
            server.process.send_signal(signal.SIGINT)
            *_, last = lines
        assert json.loads(last) == {"error": "request canceled"}
        assert server.process.wait(patient_http.PATIENCE) == 0
        assert "Traceback" not in server.log.read_text()
