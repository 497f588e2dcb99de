"""``jupyter ollama serve`` when it does not serve: what it says and how it ends."""

import socket

import pytest

from ollama_nb.server import standalone
from ollama_nb.server.standalone import OllamaServerApp


@pytest.fixture
def serve(jp_environ, monkeypatch):
    """Run it up to the point where it would listen; returns the exit status."""
    monkeypatch.setattr(OllamaServerApp, "start", lambda app: None)
    yield lambda *options: standalone.main(options)
    OllamaServerApp.clear_instance()


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "*", "192.0.2.1", "somewhere.example"])
def test_other_machines_need_a_token(serve, capfd, address):
    assert serve("--ip", address) == 1
    said = capfd.readouterr().err
    assert "Not started: other machines reach" in said
    assert "no token is set" in said
    assert "--allow-unauthenticated-remote" in said


def test_an_address_in_ollama_host_is_an_address(serve, capfd, monkeypatch):
    monkeypatch.setenv("OLLAMA_HOST", "0.0.0.0:0")
    assert serve() == 1
    assert "other machines reach 0.0.0.0" in capfd.readouterr().err


@pytest.mark.parametrize("option", ["--token=x", "--allow-unauthenticated-remote"])
def test_unless_there_is_one_or_it_is_said_in_so_many_words(serve, capfd, option):
    with socket.create_server(("0.0.0.0", 0)) as taken:
        assert serve("--ip=0.0.0.0", f"--port={taken.getsockname()[1]}", option) == 1
    said = capfd.readouterr().err
    assert "Address already in use" in said
    assert ("No token is set: whoever" in said) is ("token=" not in option)


@pytest.mark.parametrize("value", ["1d", "x", "5 m"])
def test_a_wrong_setting(serve, capfd, value):
    assert serve(f"--OllamaApp.keep_alive={value}", "--port=0") == 1
    said = capfd.readouterr().err
    assert f"keep_alive: {value!r} is neither a duration nor seconds" in said
    assert "Traceback" not in said


def test_it_explains_itself(serve, capfd):
    assert serve("--help") == 0
    said = capfd.readouterr().out
    for word in (
        "--allow-unauthenticated-remote",
        "--token",
        "OLLAMA_HOST, else 127.0.0.1",
        "11434",
    ):
        assert word in said
