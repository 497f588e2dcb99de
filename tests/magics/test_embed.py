"""%ollama embed and %%ollama embed in a shell, against a scripted service."""

import pytest
from IPython.utils.capture import capture_output

from ollama_nb.commands.embed_result import EmbedResult
from ollama_nb.errors import Cancelled, EngineError, ModelNotFound, UsageProblem

pytestmark = pytest.mark.usefixtures("fake_service")


@pytest.fixture
def asked(fake_service):
    """The newest request."""
    return lambda: fake_service.requests[-1]


@pytest.fixture
def quiet(run):
    """Run a cell without its output."""

    def quiet(source):
        with capture_output():
            return run(source)

    return quiet


def problem(quiet, source):
    with pytest.raises(UsageProblem) as caught:
        quiet(source)
    return str(caught.value)


def test_a_cell_is_one_text(quiet, shell, asked):
    result = quiet("%%ollama embed -m guide -o found\n\nHow do I pull\na model?\n\n")
    assert asked().input == ["How do I pull\na model?"]
    assert isinstance(result, EmbedResult)
    assert shell.user_ns["found"] is shell.user_ns["_ollama"] is result
    assert result.texts == ("How do I pull\na model?",)
    assert result.vectors.tolist() == [[22, 0.5, -1.0]]


def test_with_lines_each_line_is_a_text(quiet, asked):
    result = quiet("%%ollama embed --lines\none\n\n  three  \n")
    assert asked().input == ["one", "three"]
    assert result.vectors[:, 0].tolist() == [3, 5]


def test_the_result_is_shown_in_one_line(run, capsys):
    run("%%ollama embed --lines\none\ntwo")
    assert capsys.readouterr().out.endswith("guide · 2 vectors of 3 numbers · 7 tokens\n")
    run("%%ollama embed -o found\none")
    assert capsys.readouterr().out.endswith("guide · 1 vector of 3 numbers · 7 tokens\n")


def test_a_line_returns_its_value(quiet, shell, asked):
    assert quiet("found = %ollama embed -m llama3.2:1b Some text") is None
    assert asked().input == ["Some text"]
    assert (shell.user_ns["found"].model, len(shell.user_ns["found"])) == ("llama3.2:1b", 1)
    assert quiet('%ollama embed "Why?"').texts == ("Why?",)


def test_arguments_reach_the_request(quiet, asked):
    quiet("%%ollama embed --dimensions 2 --keep-alive 1h --options num_ctx=64\na")
    assert (asked().dimensions, asked().keep_alive, asked().options) == (2, "1h", {"num_ctx": 64})


def test_double_braces_are_expanded_before_lines_are_cut(quiet, asked):
    quiet("names, x = ['Ada', 'Bob'], 1")
    quiet("%%ollama embed --lines\n{{ '\\n'.join(names) }}\n{x} $x {{ x + 1 }}")
    assert asked().input == ["Ada", "Bob", "{x} $x 2"]
    quiet("%ollama embed Number {{ x }}")
    assert asked().input == ["Number 1"]


def test_values_may_leave_no_text(quiet, asked):
    assert quiet("%%ollama embed --lines\n{{ '' }}").line() == "guide · no vectors"
    assert asked().input == []


def test_default_model(quiet, asked):
    quiet("%config OllamaMagics.model = 'llama3.2:1b'")
    quiet("%%ollama embed\nHi")
    assert asked().model == "llama3.2:1b"
    quiet("%%ollama embed -m guide\nHi")
    assert asked().model == "guide"


def test_misplaced_texts(quiet):
    assert "write the text there" in problem(quiet, "%%ollama embed")
    assert "write the text there" in problem(quiet, "%%ollama embed --lines\n \n")
    assert "goes below the first line" in problem(quiet, "%%ollama embed Why?\nbody")
    assert "there is no text" in problem(quiet, "%ollama embed -m guide")
    assert "cannot be the name" in problem(quiet, "%%ollama embed -o 1x\nbody")
    assert "'nope' is not defined" in problem(quiet, "%%ollama embed\n{{ nope }}")
    assert "--dimensions 0" in problem(quiet, "%%ollama embed --dimensions 0\nbody")


def test_help(run, capsys):
    run("%%ollama embed -h")
    assert "--lines" in capsys.readouterr().out


def test_unknown_models_suggest_near_ones(quiet):
    expected = "model 'giude' not found. Did you mean guide? %ollama list shows what is here."
    for source in ("%%ollama embed -m giude\nHi", "%ollama embed -m giude Hi"):
        with pytest.raises(ModelNotFound) as caught:
            quiet(source)
        assert str(caught.value) == expected


def test_an_engine_error_is_raised_and_nothing_is_bound(quiet, shell, fake_service):
    fake_service.faults = [EngineError("embedding failed")]
    with pytest.raises(EngineError, match="embedding failed"):
        quiet("%%ollama embed -o found\nHi")
    assert "found" not in shell.user_ns


def test_an_interrupt_ends_the_work_and_not_the_kernel(quiet, shell, fake_service):
    fake_service.faults = [KeyboardInterrupt, Cancelled()]
    result = quiet("%%ollama embed -o found\nHi")
    assert fake_service.stream.cancelled
    assert shell.user_ns["found"] is result
    assert (result.interrupted, len(result), result.texts) == (True, 0, ("Hi",))
    assert result.line() == "guide · interrupted"
    fake_service.faults = []
    assert len(quiet("%%ollama embed -o found\nHi")) == 1


def test_an_interrupt_while_the_model_loads(quiet, shell, fake_service):
    def interrupted(_):
        raise KeyboardInterrupt

    fake_service.embed = interrupted
    assert quiet("%%ollama embed -o found\nHi").interrupted
    assert shell.user_ns["found"].interrupted
