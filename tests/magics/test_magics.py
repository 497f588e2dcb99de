"""%ollama and %%ollama in a shell, against a scripted service."""

import pytest
from fake_service import chunk
from IPython.utils.capture import capture_output

from ollama_nb.commands.result import Result
from ollama_nb.errors import EngineError, ModelNotFound, UsageProblem
from ollama_nb.magics.surroundings import display_mode

pytestmark = pytest.mark.usefixtures("fake_service")


@pytest.fixture
def kernel(shell, monkeypatch):
    """Make the shell one of a kernel, where answers are displays."""
    shell.kernel = object()
    monkeypatch.setenv("OLLAMA_NB_DISPLAY", "stream")
    yield shell
    del shell.kernel


@pytest.fixture
def asked(fake_service):
    """The newest request."""
    return lambda: fake_service.requests[-1]


def problem(run, source):
    with pytest.raises(UsageProblem) as caught, capture_output():
        run(source)
    return str(caught.value)


def test_a_cell_in_a_terminal_writes_text(run, capsys, asked):
    assert run("%%ollama generate -m guide\nSay hello.\n") is None
    line = "guide · 23 prompt + 41 answer tokens · 820 tokens/s"
    assert capsys.readouterr().out == f"Hello, you.\n\n{line}\n"
    assert (asked().prompt, asked().model) == ("Say hello.", "guide")


def test_a_cell_in_a_kernel_is_one_display_with_updates(kernel, run):
    with capture_output() as captured:
        assert run("%%ollama generate\nSay hello.") is None
    first, *rest = captured.outputs
    assert captured.stdout == ""
    assert first.display() is None
    assert rest
    assert "Hello, you." in rest[-1].data["text/plain"]
    assert "tokens/s" in rest[-1].data["text/markdown"]


def test_final_mode_is_exactly_one_display(kernel, run, monkeypatch):
    monkeypatch.setenv("OLLAMA_NB_DISPLAY", "final")
    with capture_output() as captured:
        run("%%ollama generate -o answer\nSay hello.")
    assert len(captured.outputs) == 1
    expected = "Hello, you.\n\nguide · 23 prompt + 41 answer tokens"
    assert captured.outputs[0].data["text/plain"] == expected
    answer = kernel.user_ns["answer"]
    assert answer._repr_mimebundle_()["text/plain"] == expected


def test_no_stream_is_one_display(kernel, run):
    with capture_output() as captured:
        run("%%ollama generate --no-stream\nSay hello.")
    assert len(captured.outputs) == 1
    assert "820 tokens/s" in captured.outputs[0].data["text/plain"]


def test_stats_are_a_table_below(kernel, run):
    with capture_output() as captured:
        run("%%ollama generate --no-stream --stats\nSay hello.")
    assert "TOKENS" in captured.outputs[1].data["text/plain"]


def test_results_are_bound(shell, run):
    with capture_output():
        run("%%ollama generate -o answer\nSay hello.")
    answer = shell.user_ns["answer"]
    assert shell.user_ns["_ollama"] is answer
    assert isinstance(answer, Result)
    assert (answer.text, answer.thinking, answer.model) == ("Hello, you.", "", "guide")
    assert (answer.stats.prompt_tokens, answer.stats.answer_tokens) == (23, 41)
    assert answer.stats.done_reason == "stop"
    assert answer.stats.answer_seconds == pytest.approx(0.05)


def test_a_line_returns_and_shows_nothing_itself(run, capsys, shell):
    answer = run('answer = %ollama generate -m guide "Say hello."')
    assert answer is None
    assert shell.user_ns["answer"].text == "Hello, you."
    assert capsys.readouterr().out == ""
    with capture_output():
        assert run("%ollama run guide Say hello.").text == "Hello, you."


def test_only_double_braces_are_expanded(run, asked):
    with capture_output():
        run("name, x = 'Ada', 1")
        run('%%ollama generate -s "You are {{ name }}"\n{"x": {x}} $name {{ x + 1 }}')
        assert asked().prompt == '{"x": {x}} $name 2'
        assert asked().system == "You are Ada"
        run("%ollama run guide {x} $name {{ x }}")
        assert asked().prompt == "{x} $name {{ x }}".replace("{{ x }}", "1")


def test_local_names_are_seen_in_functions(run, asked):
    with capture_output():
        run(
            "def f(city):\n"
            "    return get_ipython().run_line_magic('ollama', 'run guide {{ city }}')\n"
            "f('Rome')"
        )
    assert asked().prompt == "Rome"


def test_the_body_keeps_its_blanks_only_when_raw(run, asked):
    with capture_output():
        run("%%ollama generate\n\n  Hello  \n\n")
        assert asked().prompt == "Hello"
        run("%%ollama generate --raw\n  Hello  \n")
        assert asked().prompt == "  Hello  "


def test_default_model(run, asked):
    with capture_output():
        run("%config OllamaMagics.model = 'llama3.2:1b'")
        run("%%ollama generate\nHi")
        assert asked().model == "llama3.2:1b"
        run("%%ollama generate -m guide\nHi")
        assert asked().model == "guide"


@pytest.mark.parametrize("name", ["bad name", "", "guide:"])
def test_what_cannot_be_a_name_is_no_default(run, asked, caplog, name):
    run(f"%config OllamaMagics.model = {name!r}")
    assert f"{name!r} cannot be the name of a model" in caplog.text
    with capture_output():
        run("%%ollama generate\nHi\n")
    assert asked().model == "guide"


def test_thinking_is_kept_apart(kernel, run, fake_service, asked):
    fake_service.script = [chunk(thinking="hm"), chunk("4"), chunk(done_reason="stop")]
    with capture_output() as captured:
        run("%%ollama generate --think -o answer\n2 + 2?")
    assert asked().think is True
    assert (kernel.user_ns["answer"].thinking, kernel.user_ns["answer"].text) == ("hm", "4")
    assert captured.outputs[-1].data["text/markdown"].startswith("<details>")


@pytest.mark.parametrize("source", ["%%ollama generate", "%%ollama generate\n\n  \n"])
def test_an_empty_cell_is_told_what_to_write(run, source):
    assert "write the prompt there" in problem(run, source)


def test_misplaced_prompts(run):
    assert "goes below the first line" in problem(run, "%%ollama generate Why?\nbody")
    assert "there is no prompt" in problem(run, "%ollama generate -m guide")
    for name in ("1x", "a.b", "class"):
        assert "cannot be the name" in problem(run, f"%%ollama generate -o {name}\nbody")
    assert "'nope' is not defined" in problem(run, "%%ollama generate\n{{ nope }}")


@pytest.mark.parametrize("source", ["%ollama help", "%ollama", "%ollama -h", "%%ollama help"])
def test_help(run, capsys, source):
    assert run(source) is None
    assert "VERB" in capsys.readouterr().out


def test_help_of_a_cell_without_body(run, capsys):
    run("%%ollama generate -h")
    assert "usage: %%ollama generate" in capsys.readouterr().out


def test_docstring(shell):
    text = shell.inspector.info(shell.find_line_magic("ollama"))["docstring"]
    assert "%%ollama generate" in text


def test_list_ps_version_stop(run, fake_service):
    with capture_output():
        models = run("%ollama list")
        assert "guide:latest" in str(models)
        assert "<table>" in models._repr_html_()
        assert "No model is loaded in this kernel" in str(run("%ollama ps"))
        fake_service.loaded = ["guide:latest"]
        assert str(run("%ollama ps")).splitlines()[1].split() == [
            "guide:latest", "20", "MB", "100%", "CPU", "4096", "Forever",
        ]  # fmt: skip
        assert "0.33.0" in str(run("%ollama version"))
        assert str(run("%ollama stop guide")) == "guide is unloaded"


def test_unknown_models_suggest_near_ones(run):
    expected = "model 'giude' not found. Did you mean guide? %ollama list shows what is here."
    for source in ("%%ollama generate -m giude\nHi", "%ollama stop giude"):
        with pytest.raises(ModelNotFound) as caught, capture_output():
            run(source)
        assert str(caught.value) == expected
        assert caught.value._render_traceback_() == [f"ModelNotFound: {expected}"]


def test_errors_in_the_middle_keep_the_text_and_raise(kernel, run, fake_service):
    fake_service.script = [chunk("Hel"), EngineError("decode failed")]
    with capture_output() as captured, pytest.raises(EngineError):
        run("%%ollama generate\nHi")
    assert captured.outputs[-1].data["text/plain"].startswith("Hel\n")


def test_an_interrupt_keeps_the_text(kernel, run, fake_service):
    fake_service.script = [
        chunk("Hel"), KeyboardInterrupt, chunk("lo"), chunk(done_reason="cancelled"),
    ]  # fmt: skip
    with capture_output() as captured:
        run("%%ollama generate -o answer\nHi")
        answer = kernel.user_ns["answer"]
        assert (answer.text, answer.stats.done_reason) == ("Hello", "interrupted")
        assert answer.stats.prompt_tokens == 23
        assert captured.outputs[-1].data["text/plain"].startswith("Hello\n\n(interrupted)")
        assert fake_service.stream.cancelled
        fake_service.script = [chunk("Next."), chunk(done_reason="stop")]
        run("%%ollama generate -o answer\nHi")
    assert kernel.user_ns["answer"].text == "Next."


def test_an_interrupt_while_the_model_loads(run, shell, fake_service):
    def interrupted(_):
        raise KeyboardInterrupt

    fake_service.generate = interrupted
    with capture_output() as captured:
        assert run("%%ollama generate -o answer\nHi") is None
    assert captured.stdout == "(interrupted)\n\nguide · interrupted\n"
    assert shell.user_ns["answer"].interrupted
    assert shell.user_ns["answer"].text == ""


def test_an_engine_that_does_not_hear_does_not_hold_the_kernel(run, shell, fake_service):
    fake_service.script = [chunk("Hel"), KeyboardInterrupt]
    with capture_output():
        run("%%ollama generate -o answer\nHi")
    assert shell.user_ns["answer"].interrupted


@pytest.mark.parametrize(
    ("wanted", "kernel", "environment", "mode"),
    [
        ("auto", True, {}, "stream"),
        ("auto", True, {"PYTEST_VERSION": "9"}, "final"),
        ("auto", True, {"OLLAMA_NB_DISPLAY": "final"}, "final"),
        ("auto", True, {"OLLAMA_NB_DISPLAY": "stream", "PYTEST_VERSION": "9"}, "stream"),
        ("stream", True, {"OLLAMA_NB_DISPLAY": "final"}, "stream"),
        ("final", True, {}, "final"),
        ("final", False, {"PYTEST_VERSION": "9"}, "text"),
    ],
)
def test_display_mode(wanted, kernel, environment, mode):
    assert display_mode(wanted, kernel=kernel, environment=environment) == mode
