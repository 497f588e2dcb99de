"""create in a terminal and in cells: real service, real store, the real quantizer."""

import os
import subprocess
import sys

import pytest
from gguf_writer import tiny_llama

from ollama_nb.commands.creating import Created, create
from ollama_nb.commands.progress import Blank
from ollama_nb.commands.verbs import parse
from ollama_nb.commands.ways import CELL, LINE, TERMINAL
from ollama_nb.errors import InvalidModelfile, OllamaError, UsageProblem
from ollama_nb.service import Service
from ollama_nb.settings import Settings


@pytest.fixture
def service(tmp_path):
    service = Service(Settings(models=tmp_path / "models"))
    yield service
    service.close()


@pytest.fixture
def here(tmp_path, monkeypatch):
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def run(service, here):
    def run(line, cell=None, way=None):
        way = way or (LINE if cell is None else CELL)
        return create(service, parse(["create", *line.split()], way), cell, Blank, way=way)

    return run


def test_a_cell_is_a_modelfile(run, service):
    made = run("mine", "FROM guide\nSYSTEM You are brief.\nPARAMETER top_k 3\n")
    assert str(made).startswith("success: mine · 5.2 MB in ")
    assert repr(made) == "<Created mine: success>"
    assert service.store.find("mine").system == "You are brief."
    assert service.store.find("mine").options["top_k"] == 3


def test_files_are_named_from_where_the_modelfile_is(run, service, here):
    (here / "deep").mkdir()
    (here / "deep" / "tiny.gguf").write_bytes(tiny_llama().encode())
    (here / "deep" / "Recipe").write_text("FROM tiny.gguf\n")
    run("tiny -f deep/Recipe")
    assert service.store.find("tiny").weights.read_bytes() == tiny_llama().encode()


def test_without_anything_the_modelfile_of_the_folder_counts(run, service, here):
    with pytest.raises(UsageProblem, match=r"no Modelfile here: .* below %%ollama create mine"):
        run("mine")
    with pytest.raises(UsageProblem, match=r"--from$"):
        run("mine", way=TERMINAL)
    (here / "Modelfile").write_text("FROM guide\nSYSTEM S")
    run("mine")
    assert service.store.find("mine").system == "S"


@pytest.mark.native
def test_a_file_is_quantized(run, service, here):
    (here / "tiny.gguf").write_bytes(tiny_llama(width=256, hidden=512).encode())
    run("tiny --from tiny.gguf -q q4_k_m")
    assert service.store.find("tiny").header.file_type_name == "Q4_K_M"


def test_what_is_wrong_is_told(run, here):
    with pytest.raises(InvalidModelfile, match=r"^\(line 2\): command must be one of") as caught:
        run("mine", "FROM guide\nSYSTM x\n")
    assert caught.value.line == 2
    with pytest.raises(UsageProblem, match="nope: there is no such file"):
        run("mine -f nope")
    with pytest.raises(UsageProblem, match="-f and --from exclude each other"):
        run("mine -f a --from b")
    with pytest.raises(OllamaError, match="quantization is only supported for"):
        run("mine --from guide -q q4_0")


def test_a_source_that_is_nowhere_is_named(run):
    text = "there is no such file, and no model can have that name"
    with pytest.raises(UsageProblem, match=rf"^FROM \./nope\.gguf: {text}$"):
        run("mine --from ./nope.gguf")
    with pytest.raises(UsageProblem, match=rf"^FROM \./nope\.gguf: {text}$"):
        run("mine", "FROM guide\nFROM ./nope.gguf\nSYSTEM S\n")


def test_a_base_that_cannot_be_pulled_may_be_a_typing_error(run):
    base = "127.0.0.1:1/library/guide"  # where nobody listens
    with pytest.raises(OllamaError, match=rf"FROM {base}: there is no model of that name here$"):
        run("mine", f"FROM {base}\nSYSTEM S\n")
    run("127.0.0.1:1/library/guise", "FROM guide")
    with pytest.raises(OllamaError, match=r"Did you mean 127\.0\.0\.1:1/library/guise\?$"):
        run("mine", f"FROM {base}\nSYSTEM S\n")


def test_modelfiles_of_other_editors_are_read(run, service, here):
    (here / "Modelfile").write_bytes("FROM guide\nSYSTEM Grüße".encode("utf-16"))
    run("mine")
    assert service.store.find("mine").system == "Grüße"


def test_an_interrupt_makes_nothing(service, here, monkeypatch):
    class Interrupting(Blank):
        def phase(self, text):
            raise KeyboardInterrupt

    command = parse(["create", "mine"], CELL)
    made = create(service, command, "FROM guide\nSYSTEM S", Interrupting, way=CELL)
    # It may just have been done.
    made_it = any(one.name == "mine:latest" for one in service.list().models)
    assert made.interrupted is not made_it
    if made.interrupted:
        assert str(made) == "interrupted: mine was not made"


def test_times_can_be_left_out():
    assert str(Created(model="m", size=1000, seconds=2, rates=False)) == "success: m · 1 KB"


def test_in_a_terminal(tmp_path):
    (tmp_path / "Modelfile").write_text("FROM guide\nSYSTEM S")
    environment = {**os.environ, "OLLAMA_MODELS": str(tmp_path / "models")}
    done = subprocess.run(
        [sys.executable, "-m", "ollama_nb", "create", "mine"],
        cwd=tmp_path, env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.startswith("success: mine · 5.2 MB in ")
    assert "writing manifest" in done.stderr.splitlines()


def test_a_source_does_not_command_the_terminal(run):
    with pytest.raises(UsageProblem, match=r"^FROM \./x\[2Jy: there is no such file"):
        run("mine", "FROM ./x\x1b[2Jy\n")
