"""A real jupyter-server: found the extension by itself, serves curl and the official client."""

import json
import subprocess

import ollama
import patient_http
import pytest
from servers import BEARER, TOKEN

QUESTION = "How do I pull a model?"


def curl(*arguments):
    """Run curl as the documents do; returns its output."""
    command = ["curl", "--silent", "--show-error", "--max-time", "300", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.fixture(params=["", "/ollama"], ids=["beside", "below"])
def mount(request, jupyter):
    """The address of either mount."""
    return jupyter.url + request.param


def test_curl_as_in_ollamas_documents(mount):
    body = json.dumps({"model": "guide", "prompt": QUESTION, "options": {"temperature": 0}})
    url = mount + "/api/generate"
    streamed = curl(url, "-H", f"Authorization: Bearer {TOKEN}", "-d", body).splitlines()
    assert json.loads(streamed[-1])["done"] is True
    one = curl(f"{url}?token={TOKEN}", "-d", body.replace('"guide"', '"guide", "stream": false'))
    assert json.loads(one)["response"] == "".join(json.loads(x)["response"] for x in streamed)


@pytest.mark.parametrize("arguments", [[], ["-d", "{}"], ["-X", "POST"], ["-F", "a=b"]])
def test_curl_without_a_token(mount, arguments):
    path = "/api/generate" if arguments else "/api/tags"
    output = curl(mount + path, *arguments, "-w", "\n%{http_code} %{content_type}")
    body, status = output.splitlines()
    assert status == "403 application/json; charset=utf-8"
    assert "Authorization: Bearer TOKEN" in json.loads(body)["error"]


def test_curl_is_told_before_it_sends_too_much(mount, tmp_path):
    big = tmp_path / "big"
    with big.open("wb") as file:
        file.truncate((64 << 20) + 1)
    for extra in ([], ["-H", "Transfer-Encoding: chunked"]):
        output = curl(
            mount + "/api/generate", "-H", f"Authorization: Bearer {TOKEN}", *extra,
            "--data-binary", f"@{big}", "-w", "%{http_code}",
        )  # fmt: skip
        assert output == '{"error":"request body is larger than 64 MiB"}413'


def test_only_pages_hear_of_their_origins(mount):
    def ask(**headers):
        return patient_http.get(mount + "/api/tags", headers={**BEARER, **headers}).headers

    assert "access-control-allow-origin" not in ask()
    page = "https://example.org"
    assert ask(Origin=page)["access-control-allow-origin"] == page


def test_curl_heartbeat(jupyter):
    assert curl(jupyter.url + "/ollama/") == "Ollama is running"
    assert curl("-I", jupyter.url + "/ollama").startswith("HTTP/1.1 200 OK")


def test_lab_is_where_it_was(jupyter):
    for path in ("/", "/lab"):
        answer = patient_http.get(jupyter.url + path, headers=BEARER)
        assert answer.status_code == 200
        assert "<title>Jupyter" in answer.text
    assert "kernels" in patient_http.get(jupyter.url + "/api/status", headers=BEARER).json()


@pytest.fixture
def client(mount, monkeypatch):
    """The official client, configured by its own environment variables."""
    monkeypatch.setenv("OLLAMA_HOST", mount)
    monkeypatch.setenv("OLLAMA_API_KEY", TOKEN)
    with ollama.Client() as client:
        yield client


def test_official_client(client):
    options = {"temperature": 0, "num_predict": 12}
    answer = client.generate("guide", QUESTION, options=options)
    assert isinstance(answer, ollama.GenerateResponse)
    assert answer.eval_count == 12
    parts = list(client.generate("guide", QUESTION, options=options, stream=True))
    assert "".join(part.response for part in parts) == answer.response
    assert [part.done for part in parts].count(True) == 1
    assert "guide:latest" in [model.model for model in client.list().models]
    assert "guide:latest" in [model.model for model in client.ps().models]


@pytest.mark.parametrize("stream", [False, True])
def test_official_client_gets_errors_with_their_status(client, stream):
    with pytest.raises(ollama.ResponseError, match="model 'nope' not found") as caught:
        list(client.generate("nope", "x", stream=stream))
    assert caught.value.status_code == 404


def test_official_client_without_a_key(mount):
    with ollama.Client(mount) as client, pytest.raises(ollama.ResponseError) as caught:
        client.list()
    assert caught.value.status_code == 403


def test_prompts_are_not_logged(jupyter):
    secret = "a-prompt-that-nobody-should-see"
    for body in ({"model": "guide", "prompt": secret}, {"model": secret, "prompt": secret}):
        patient_http.post(jupyter.url + "/api/generate", json=body, headers=BEARER)
    assert secret not in jupyter.log.read_text()
