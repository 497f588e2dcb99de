"""Cells reach the magic as they were typed: empty ones, and questions."""

import pytest

from ollama_nb.magics.source import prepare

CALL = "get_ipython().run_line_magic('ollama', "


@pytest.mark.parametrize(
    ("lines", "prepared"),
    [
        (["%%ollama generate"], ["%%ollama generate\n", "\n"]),
        (["%%ollama generate -h\n"], ["%%ollama generate -h\n", "\n"]),
        (["%ollama run guide Why?\n"], [f"{CALL}'run guide Why?')\n"]),
        (["x = 1\n", "a = %ollama run guide Why?"], ["x = 1\n", f"a = {CALL}'run guide Why?')\n"]),
        (["    %ollama run guide Why?\n"], [f"    {CALL}'run guide Why?')\n"]),
        (["%ollama run?\n"], [f"{CALL}'run -h')\n"]),
    ],
)
def test_what_ipython_would_misread(lines, prepared):
    assert prepare(lines) == prepared


@pytest.mark.parametrize(
    "lines",
    [
        ["%%ollama generate\n", "Why?\n"],
        ["%%ollama generate\n", "%ollama run guide Why?\n"],
        ["%ollama list\n"],
        ["%ollama?\n"],
        ["%ollama ?\n"],
        ["%%other\n"],
        ["len?\n"],
        ['text = """\n', "%ollama run guide Why?\n", '"""\n'],
        [],
    ],
)
def test_what_is_left_alone(lines):
    assert prepare(lines) == lines


def test_questions_in_a_shell(run, fake_service):
    run("answer = %ollama run guide Why is that?")
    assert fake_service.requests[-1].prompt == "Why is that?"


def test_help_by_question_mark(run, capsys):
    run("%ollama generate?")
    assert "usage: %ollama generate" in capsys.readouterr().out
