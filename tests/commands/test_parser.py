"""Lines become commands; what does not parse is explained, and nothing leaves the process."""

import pytest

from ollama_nb.commands.parser import Help, did_you_mean, gather_pairs, split
from ollama_nb.commands.verbs import LATER, VERBS, parse, verbs_of
from ollama_nb.commands.ways import CELL, LINE, TERMINAL
from ollama_nb.errors import UsageProblem

WAYS = [LINE, CELL, TERMINAL]


def read(line, way=LINE):
    return parse(split(line), way)


def problem(line, way=LINE):
    with pytest.raises(UsageProblem) as caught:
        read(line, way)
    return str(caught.value)


def test_generate_reads_every_argument():
    command = read(
        "generate -m llama3.2:1b -s 'Be brief' --options temperature=0.2 stop='[\"x\"]' --seed -1 "
        "-o answer --keep-alive 5m --raw --stats --no-stream --no-think Hello there"
    )
    arguments = command.arguments
    assert command.verb == "generate"
    assert arguments.model == "llama3.2:1b"
    assert arguments.system == "Be brief"
    assert arguments.options == ["temperature=0.2", 'stop=["x"]']
    assert arguments.seed == -1
    assert arguments.output == "answer"
    assert arguments.keep_alive == "5m"
    assert (arguments.raw, arguments.stats, arguments.stream) == (True, True, False)
    assert arguments.think is False
    assert arguments.prompt == ["Hello", "there"]


def test_embed_reads_every_argument():
    command = read(
        "embed -m all-minilm -o vectors --lines --dimensions 8 --keep-alive 5m "
        "--options num_ctx=512 num_thread=2 Some text"
    )
    arguments = command.arguments
    assert command.verb == "embed"
    assert (arguments.model, arguments.output, arguments.keep_alive) == (
        "all-minilm", "vectors", "5m",
    )  # fmt: skip
    assert (arguments.lines, arguments.dimensions) == (True, 8)
    assert arguments.options == ["num_ctx=512", "num_thread=2"]
    assert arguments.prompt == ["Some", "text"]
    plain = read("embed Some text").arguments
    assert (plain.model, plain.output, plain.lines, plain.dimensions) == (None, "", False, None)


def test_defaults():
    arguments = read("generate hi").arguments
    assert (arguments.raw, arguments.stats, arguments.stream) == (False, False, True)
    assert (arguments.think, arguments.seed, arguments.model) == (None, None, None)
    assert read("run guide").arguments.prompt == []


def test_a_prompt_may_come_before_between_and_after_options():
    assert read("generate a -m guide b --seed 1 c").arguments.prompt == ["a", "b", "c"]
    assert read("run guide --seed 1 a b").arguments.prompt == ["a", "b"]


def test_two_dashes_end_the_options():
    assert read("generate -m guide -- --seed -x").arguments.prompt == ["--seed", "-x"]
    assert read("generate --options a=1 -- b=2").arguments.prompt == ["b=2"]


def test_options_do_not_swallow_the_prompt():
    words = gather_pairs(["--options", "a=1", "b=2", "What is it?", "c=3"])
    assert words == ["--options=a=1", "--options=b=2", "What is it?", "c=3"]
    assert gather_pairs(["--options", "oops"]) == ["--options=oops"]
    assert gather_pairs(["--options", "--seed", "1"]) == ["--options", "--seed", "1"]
    assert gather_pairs(["--options"]) == ["--options"]


def test_terminal_has_no_output_variable():
    assert read("generate hi", TERMINAL).arguments.output == ""
    assert "unknown option -o" in problem("generate -o x hi", TERMINAL)
    assert "unknown option -o" in problem("embed -o x hi", TERMINAL)


@pytest.mark.parametrize("way", WAYS)
def test_every_verb_answers_help(way):
    for verb in verbs_of(way):
        for line in (f"{verb.name} -h", f"{verb.name} --help", f"help {verb.name}"):
            with pytest.raises(Help) as wanted:
                read(line, way)
            assert f"usage: {way}" in wanted.value.text


def test_help_wins_over_other_faults():
    with pytest.raises(Help):
        read("stop -h")
    with pytest.raises(Help):
        read("generate --seed 1 -h")


@pytest.mark.parametrize("line", ["", "-h", "--help", "help"])
def test_overview_names_every_verb(line):
    with pytest.raises(Help) as wanted:
        read(line)
    for verb in verbs_of(LINE):
        assert f"  {verb.name} " in wanted.value.text
    assert "guide" in wanted.value.text


def test_a_cell_needs_a_verb():
    assert "%%ollama generate" in problem("", CELL)


def test_examples_parse():
    for verb in VERBS:
        if verb.name != "help":
            assert read(verb.example, verb.ways[0]).verb == verb.name


def test_examples_of_cells_parse():
    for verb in verbs_of(CELL):
        if verb.cell:
            assert read(verb.cell.split("\n")[0], CELL).verb == verb.name
            with pytest.raises(Help) as wanted:
                read(f"{verb.name} -h", CELL)
            assert f"\n  %%ollama {verb.cell}" in wanted.value.text


def test_later_verbs_say_so():
    for name in LATER:
        text = problem(f"{name} x")
        assert f"does not have {name} yet" in text
        assert "list, ps, show, pull, push, create, cp, rm, verify, prune, generate" in text
    assert not set(LATER) & {verb.name for verb in VERBS}


def test_typing_errors_are_recognised():
    assert "Did you mean list?" in problem("lst")
    assert "Did you mean --seed?" in problem("generate --sed 1 hi")
    assert "Did you mean --keep-alive?" in problem("generate --keepalive=5m hi")
    assert "Did you mean list?" in problem("lst", CELL)  # which then says that it takes no cell
    assert "Did you mean serve?" in problem("serv", TERMINAL)
    assert did_you_mean("zzz", ["list"]) == ""


def test_wrong_arguments_are_named():
    assert "--seed" in problem("generate --seed x hi")
    assert "--dimensions" in problem("embed --dimensions x hi")
    assert "-h shows what it takes" in problem("generate --seed x hi")
    assert "NAME" in problem("stop")
    assert "required: MODEL." in problem("run")
    assert "'b'" in problem("stop a b")
    assert "double quotes" in problem("generate What's that")


def test_verbs_say_where_they_work():
    assert "%ollama list on a line" in problem("list", CELL)
    assert problem("serve") == "serve is for a terminal: jupyter ollama serve"
    assert problem("serve", CELL) == problem("serve")


@pytest.mark.parametrize("way", [LINE, TERMINAL])
@pytest.mark.parametrize("option", ["-v", "--version"])
def test_the_version_may_be_asked_for_by_an_option(option, way):
    assert read(option, way).verb == "version"


@pytest.mark.parametrize(
    "line",
    [
        "generate -m '{}' hi", "run '{}' hi", "embed -m '{}' hi", "show '{}'", "pull '{}'",
        "push '{}'", "create '{}' --from guide", "cp guide '{}'", "cp '{}' mine", "rm guide '{}'",
        "stop '{}'",
    ],
)  # fmt: skip
@pytest.mark.parametrize("name", ["bad name", "", "guide:", "../guide", "a//b", "x" * 81])
def test_what_cannot_be_a_name_is_named(line, name):
    assert problem(line.format(name)).startswith(f"{name!r} cannot be the name of a model: ")


@pytest.mark.parametrize(
    "name", ["llama3.2", "llama3.2:1b", "hf.co/user/Repo-GGUF:Q4_K_M", "localhost:5000/a/b:c"]
)
def test_names_are_taken_as_they_are_written(name):
    assert read(f"show {name}").arguments.model == name
