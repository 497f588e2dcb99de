"""Tab on an %ollama line, and nowhere else."""

from types import SimpleNamespace

import pytest
from IPython.core.completer import provisionalcompleter

from ollama_nb.commands.options import OPTION_NAMES


@pytest.fixture
def complete(shell, fake_service, tmp_path, monkeypatch):
    """Complete at the end of a text, or at ``|``: the texts that would stand there."""
    monkeypatch.chdir(tmp_path)

    def texts(source):
        source, _, after = source.partition("|")
        with provisionalcompleter():
            found = list(shell.Completer.completions(source + after, len(source)))
        return [(source + after)[: c.start] + c.text for c in found if c.type == "param"]

    return texts


def words(completions):
    return [text.split()[-1] for text in completions]


def test_verbs(complete):
    assert words(complete("%ollama ")) == [
        "list", "ps", "show", "pull", "push", "create", "cp", "rm", "verify", "prune", "generate",
        "run", "embed", "stop", "version", "help",
    ]  # fmt: skip
    assert complete("%ollama l") == ["%ollama list"]
    assert words(complete("%%ollama ")) == ["create", "generate", "embed", "help"]
    assert complete("%ollama help ge") == ["%ollama help generate"]


def test_options(complete):
    assert "--seed" in words(complete("%ollama generate "))
    assert complete("%ollama generate --se") == ["%ollama generate --seed"]
    assert complete("%%ollama generate -m guide --no-s") == [
        "%%ollama generate -m guide --no-stream"
    ]
    assert complete("%ollama list --s") == []
    assert complete("%%ollama embed --l") == ["%%ollama embed --lines"]
    assert complete("%ollama generate --im") == ["%ollama generate --image"]
    assert complete("%ollama generate --image ") == []  # a file or a variable


def test_model_names(complete):
    assert words(complete("%ollama generate -m ")) == ["guide", "llama3.2:1b"]
    assert words(complete("%%ollama generate --model g")) == ["guide"]
    assert words(complete("%%ollama embed -m ")) == ["guide", "llama3.2:1b"]
    assert words(complete("%ollama run ")) == ["guide", "llama3.2:1b"]
    assert words(complete("%ollama stop l")) == ["llama3.2:1b"]


@pytest.mark.parametrize("verb", ["rm", "cp", "push", "pull", "show", "list", "stop", "run"])
def test_names_follow_every_verb_that_takes_one(complete, verb):
    assert words(complete(f"%ollama {verb} ")) == ["guide", "llama3.2:1b"]
    assert complete(f"%ollama {verb} gu") == [f"%ollama {verb} guide"]


def test_as_many_names_as_the_verb_takes(complete):
    assert words(complete("%ollama cp guide ")) == ["llama3.2:1b"]
    assert words(complete("%ollama rm a b g")) == ["guide"]
    assert words(complete("%ollama rm guide ")) == ["llama3.2:1b"]
    assert words(complete("%ollama show guide ")) == [
        "-h", "--help", "--license", "--modelfile", "--parameters", "--system", "--template",
        "--json", "-v", "--verbose",
    ]  # fmt: skip
    assert complete("%ollama cp a b g") == []


def test_options_may_come_before_names(complete):
    assert complete("%ollama pull --in") == ["%ollama pull --insecure"]
    assert words(complete("%ollama pull --insecure g")) == ["guide"]
    assert complete("%ollama prune --p") == ["%ollama prune --partial"]


def test_a_colon_is_part_of_the_name(complete):
    assert complete("%ollama run llama3.2:") == ["%ollama run llama3.2:1b"]
    assert complete("%%ollama generate -m llama3.2:1") == ["%%ollama generate -m llama3.2:1b"]


def test_names_of_options(complete):
    first = words(complete("%ollama generate --options "))
    assert [f"{name}=" for name in OPTION_NAMES] == first[: len(OPTION_NAMES)]
    assert complete("%ollama generate --options temp") == [
        "%ollama generate --options temperature="
    ]
    assert words(complete("%ollama generate --options seed=1 num_p")) == ["num_predict="]
    assert complete("%ollama generate --options seed=1 Why num_p") == []
    assert complete("%%ollama embed --options num_ct") == ["%%ollama embed --options num_ctx="]


def test_values_of_options(complete):
    assert words(complete("%ollama generate --format ")) == ["json"]
    assert words(complete("%ollama create mine -q q4_K")) == []
    assert words(complete("%ollama create mine -q q4_k")) == ["q4_k_s", "q4_k_m"]
    assert words(complete("%%ollama create mine --quantize f")) == ["f32", "f16"]
    assert complete("%%ollama generate --seed ") == []  # no option can follow here
    assert complete("%%ollama generate -o ") == []


def test_the_value_of_an_option_is_no_name(complete):
    assert words(complete("%ollama create -q q8_0 g")) == ["guide"]


def test_files(complete, tmp_path):
    (tmp_path / "gemma").mkdir()
    (tmp_path / "gemma" / "model.gguf").touch()
    (tmp_path / "gemma" / ".cache").touch()
    (tmp_path / "go on").touch()
    assert words(complete("%ollama create mine --from gu")) == ["guide"]
    assert words(complete("%ollama create mine --from ge")) == ["gemma/"]
    assert words(complete("%ollama create mine -f gemma/")) == ["gemma/model.gguf"]
    assert words(complete("%ollama create mine -f gemma/.")) == ["gemma/.cache"]
    assert words(complete("%ollama create mine -f nowhere/")) == []
    assert complete("%ollama create mine -f go") == ["%ollama create mine -f go\\ on"]


def test_behind_an_assignment(complete):
    assert complete("answer = %ollama run g") == ["answer = %ollama run guide"]
    assert complete("a, b = %ollama sh") == ["a, b = %ollama show"]
    assert complete("x = 7 %ollama sh") == []
    assert complete("x = %%ollama g") == []


def test_in_the_middle_of_a_line(complete):
    assert complete("%ollama generate --se| hello") == ["%ollama generate --seed"]


@pytest.mark.parametrize(
    "source", ["%%ollama generate\nl", "x = 1\n%%ollama g", "ollama l", "%ollamas l", "x", ""]
)
def test_nothing_elsewhere(complete, source):
    assert complete(source) == []


def test_a_line_magic_below_other_lines(complete):
    assert words(complete("x = 1\n%ollama li")) == ["list"]


def test_faults_are_silent(complete, fake_service):
    def fail():
        raise OSError("disk on fire")

    fake_service.stored = fail
    assert complete("%ollama run g") == []


def test_names_are_read_once_in_a_while(complete, fake_service, monkeypatch):
    calls, moments = [], [100.0]
    stored = fake_service.stored
    fake_service.stored = lambda: calls.append(moments[-1]) or stored()
    clock = SimpleNamespace(monotonic=lambda: moments[-1])
    monkeypatch.setattr("ollama_nb.magics.completion.time", clock)
    for source in ("%ollama run ", "%ollama run g", "%ollama run gu"):
        complete(source)
    assert calls == [100]
    moments.append(103.0)
    complete("%ollama run gui")
    assert calls == [100, 103]
