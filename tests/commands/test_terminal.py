"""jupyter ollama: answers on standard output, the rest on standard error, exit codes."""

import io
import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from fake_service import chunk, told

from ollama_nb.commands import terminal
from ollama_nb.errors import Cancelled, EngineError, ModelNotFound

pytestmark = pytest.mark.usefixtures("fake_service")


@pytest.fixture
def command(capsys):
    """Run a command line in this process: exit code, standard output, standard error."""

    def run(*words):
        code = terminal.main(words)
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


def test_list(command):
    code, out, _ = command("list")
    assert code == 0
    assert out.splitlines()[0].split() == [
        "NAME", "ID", "SIZE", "QUANTIZATION", "PARAMETERS", "MODIFIED",
    ]  # fmt: skip
    assert out.splitlines()[1].startswith("guide:latest   0123456789ab   5.2 MB   Q8_0")
    assert "years ago" in out


def test_ps_of_a_fresh_process_is_empty_and_says_why(command):
    code, out, _ = command("ps")
    assert code == 0
    assert "each command is a process of its own" in out


def test_version_and_help(command):
    assert "0.33.0" in command("version")[1]
    code, out, _ = command("help")
    assert code == 0
    assert "jupyter ollama VERB" in out
    assert command()[1] == out
    assert "usage: jupyter ollama run" in command("run", "-h")[1]


def test_generate_streams_to_standard_output(command, fake_service):
    code, out, err = command("generate", "-m", "guide", "--seed", "1", "Hi", "there")
    assert (code, out, err) == (0, "Hello, you.\n", "")
    assert fake_service.requests[0].prompt == "Hi there"
    assert fake_service.requests[0].options == {"seed": 1, "repeatable": True}
    assert fake_service.closed


def test_stats_go_to_standard_error(command):
    _, out, err = command("run", "guide", "--stats", "--no-stream", "Hi")
    assert out == "Hello, you.\n"
    assert "tokens/s" in err


def test_thinking_is_marked_off(command, fake_service):
    fake_service.script = [
        chunk(thinking="hm"),
        chunk(thinking=" hm"),
        chunk("4\n"),
        chunk(done_reason="stop"),
    ]
    out = command("run", "guide", "Hi")[1]
    assert out == "Thinking...\nhm hm\n...done thinking.\n\n4\n"


def test_embed_writes_a_line_of_json_for_each_text(command, fake_service):
    assert command("embed", "-m", "guide", "Some", "text") == (0, "[9.0,0.5,-1.0]\n", "")
    assert fake_service.requests[0].input == ["Some text"]
    assert fake_service.closed


def test_texts_may_be_piped_in_line_by_line(command, fake_service, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("one\n\nthree\n"))
    code, out, err = command("embed", "--lines", "--dimensions", "2", "--keep-alive", "0")
    assert (code, err) == (0, "")
    assert [json.loads(line)[0] for line in out.splitlines()] == [3, 5]
    request = fake_service.requests[0]
    assert (request.model, request.input) == ("guide", ["one", "three"])
    assert (request.dimensions, request.keep_alive) == (2, 0)


def test_an_answer_does_not_command_the_terminal(command, fake_service):
    fake_service.script = [chunk("\x1b]0;title\x07a\tb\r\x9b2J\n"), chunk(done_reason="stop")]
    assert command("run", "guide", "Hi")[1] == "]0;titlea\tb2J\n"


def test_the_prompt_may_be_piped_in(command, fake_service, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("From a pipe\n"))
    assert command("generate")[0] == 0
    assert fake_service.requests[0].prompt == "From a pipe"


def test_without_any_prompt_it_says_what_to_write(command, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    code, _, err = command("run", "guide")
    assert code == 2
    assert "there is no prompt" in err
    code, _, err = command("embed")
    assert code == 2
    assert "there is no text: write it at the end, as in jupyter ollama embed" in err


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (("run", "giude", "Hi"), 1, "Did you mean guide?"),
        (("embed", "-m", "giude", "Hi"), 1, "model 'giude' not found. Did you mean guide?"),
        (("embed", "--dimensions", "0", "Hi"), 2, "--dimensions 0"),
        (("stop", "zzz"), 1, "jupyter ollama list shows what is here"),
        (("chat", "x"), 2, "does not have chat yet"),
        (("run", "--seed", "x", "guide", "Hi"), 2, "--seed"),
        (("generate", "--keep-alive", "5x", "Hi"), 2, "--keep-alive 5x: time: unknown unit"),
        (("generate", "--keep-alive", "5x", "Hi"), 2, "write 30m"),
        (("chat", "x"), 2, "ollama_nb.Client().chat"),
    ],
)
def test_errors(command, words, code, text):
    outcome = command(*words)
    assert outcome[:2] == (code, "")
    assert outcome[2].startswith("Error: ")
    assert text in outcome[2]


def test_an_engine_error_ends_the_answer(command, fake_service):
    fake_service.script = [chunk("Hel"), EngineError("decode failed")]
    assert command("run", "guide", "Hi") == (1, "Hel\n", "Error: decode failed\n")


@pytest.mark.parametrize(
    ("loaded", "text"),
    [([], "guide was not loaded\n"), (["guide:latest"], "guide is unloaded\n")],
)
def test_stop(command, fake_service, loaded, text):
    fake_service.loaded = loaded
    assert command("stop", "guide")[1] == text
    request = fake_service.requests[-1]
    assert (request.prompt, request.keep_alive) == ("", 0)


def test_an_interrupt_keeps_the_text(command, fake_service):
    fake_service.script = [chunk("Hel"), KeyboardInterrupt, chunk(done_reason="cancelled")]
    code, out, _ = command("run", "guide", "Hi")
    assert (code, out) == (130, "Hel\n(interrupted)\n")
    assert fake_service.stream.cancelled


def test_an_interrupt_while_the_model_loads(command, fake_service):
    def interrupted(_):
        raise KeyboardInterrupt

    fake_service.generate = interrupted
    assert command("run", "guide", "Hi")[:2] == (130, "(interrupted)\n")


def test_an_interrupted_embedding_writes_nothing(command, fake_service):
    fake_service.faults = [KeyboardInterrupt, Cancelled()]
    assert command("embed", "Hi") == (130, "", "(interrupted)\n")
    assert fake_service.stream.cancelled


def test_an_engine_error_ends_an_embedding(command, fake_service):
    fake_service.faults = [EngineError("embedding failed")]
    assert command("embed", "Hi") == (1, "", "Error: embedding failed\n")


def test_commands_know_no_notebook():
    code = (
        "import sys, ollama_nb.commands.terminal as t; t.main(['version']);"
        "sys.exit('IPython' in sys.modules or 'tornado' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)


@pytest.fixture
def process(tmp_path):
    """Run a command line in a process of its own, its output going where the shell says."""

    def run(line, **settings):
        command = f"{shlex.quote(sys.executable)} -m ollama_nb {line}"
        return subprocess.run(
            ["sh", "-c", command], capture_output=True, env=os.environ | settings, check=False
        )

    return run


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
@pytest.mark.parametrize("line", ["list", "show guide --modelfile"])
def test_a_full_disk_is_told_without_a_traceback(process, line):
    done = process(f"{line} > /dev/full")
    assert done.stderr == b"Error: standard output: No space left on device\n"
    assert done.returncode == 1


def test_without_an_output_nothing_is_written(process):
    done = process("version >&-")
    assert (done.returncode, done.stderr) == (0, b"")


def test_what_the_terminal_cannot_write_is_a_question_mark(process):
    done = process("show 'gr\N{LATIN SMALL LETTER U WITH DIAERESIS}n'", PYTHONIOENCODING="ascii")
    assert done.returncode == 2
    assert b"'gr?n' cannot be the name" in done.stderr


def test_a_reader_that_leaves_is_no_error():
    command = f"{sys.executable} -m ollama_nb version | head -n 0; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(
        ["bash", "-c", command], capture_output=True, text=True, env=os.environ, check=True
    )
    assert done.stderr == ""


@pytest.fixture
def pull(fake_service):
    fake_service.script = [
        told("pulling manifest"),
        told("pulling", "a", 5_000_000, 5_000_000),
        told("pulling", "b", 0, 490),
        told("pulling", "b", 490, 490),
        told("verifying sha256 digest"),
        told("success"),
    ]
    return fake_service


def test_a_pull_writes_a_line_for_each_layer(command, pull):
    code, out, err = command("pull", "--insecure", "llama3.2")
    assert code == 0
    *layers, last = out.splitlines()
    assert layers == ["aaaaaaaaaaaa · 5 MB", "bbbbbbbbbbbb · 490 B"]
    assert last.startswith("success: llama3.2 · 5.0 MB in ")
    assert err == "pulling manifest\nverifying sha256 digest\n"
    assert (pull.requests[0].model, pull.requests[0].insecure) == ("llama3.2", True)
    assert pull.closed


def test_an_interrupted_pull_says_how_to_go_on(command, pull):
    pull.script[3:4] = [KeyboardInterrupt, Cancelled()]
    code, out, err = command("pull", "--insecure", "llama3.2")
    assert (code, out) == (130, "aaaaaaaaaaaa · 5 MB\n")
    last = "interrupted: what has arrived is kept, jupyter ollama pull --insecure llama3.2 goes on"
    assert err.splitlines()[-1] == last
    assert pull.stream.cancelled


def test_a_pull_that_is_done_when_it_is_interrupted_is_done(command, pull):
    pull.script[3:3] = [KeyboardInterrupt]
    code, out, _ = command("pull", "llama3.2")
    assert (code, out.splitlines()[-1][:17]) == (0, "success: llama3.2")


@pytest.mark.parametrize(
    ("words", "error", "text"),
    [
        (("pull", "llama3.3"), EngineError("pull model manifest: file does not exist"),
         "file does not exist; https://ollama.com/library lists the models"),
        (("pull", "hf.co/a/b:c"), EngineError("pull model manifest: file does not exist"),
         "file does not exist; is a/b:c what hf.co calls it?"),
        (("pull", "x"), EngineError("500: \x1b[2Jgone"), "500: [2Jgone\n"),
        (("push", "giude"), ModelNotFound("giude"), "Did you mean guide?"),
    ],
)  # fmt: skip
def test_pulls_and_pushes_that_fail(command, fake_service, words, error, text):
    fake_service.script = [told("pulling manifest"), error]
    code, _, err = command(*words)
    assert code == 1
    assert err.splitlines()[1].startswith("Error: ")
    assert text in err


def test_list_takes_the_beginning_of_names(command):
    assert [line.split()[0] for line in command("list", "LLA")[1].splitlines()[1:]] == [
        "llama3.2:1b"
    ]
    assert command("list", "zzz")[1] == "No model here has a name that begins with zzz.\n"
