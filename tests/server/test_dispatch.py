"""``jupyter ollama VERB``: which program a verb reaches."""

import pytest

from ollama_nb import __main__ as entry
from ollama_nb.commands import terminal
from ollama_nb.server import standalone


@pytest.mark.parametrize("arguments", [[], ["-h"], ["--help"], ["help"]])
def test_help_names_every_verb(arguments, capsys):
    assert entry.main(arguments) == 0
    shown = capsys.readouterr().out
    assert all(f"\n  {verb} " in shown for verb in ("list", "ps", "generate", "serve"))


def test_serve_reaches_the_server(monkeypatch):
    monkeypatch.setattr(standalone, "main", lambda arguments: ("serve", arguments))
    assert entry.main(["serve", "--port", "1"]) == ("serve", ["--port", "1"])


def test_help_on_serve_is_the_servers_own(monkeypatch):
    monkeypatch.setattr(standalone, "main", lambda arguments: ("serve", arguments))
    assert entry.main(["help", "serve"]) == ("serve", ["--help"])


def test_an_interrupt_while_a_verb_is_loaded_is_no_traceback(monkeypatch):
    def interrupted(arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(terminal, "main", interrupted)
    assert entry.main(["list"]) == 130


def test_other_verbs_reach_the_table(monkeypatch):
    monkeypatch.setattr(terminal, "main", lambda arguments: ("verb", arguments))
    assert entry.main(["ps", "-v"]) == ("verb", ["ps", "-v"])
