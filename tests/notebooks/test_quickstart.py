"""What is done with notebooks: they are executed and printed, and nbval would notice a failure."""

import re
import shutil

import nbformat
import pytest
from executed import NOTEBOOKS, nbval, run
from nbformat.v4 import new_code_cell, new_notebook

QUICKSTART = NOTEBOOKS / "00-quickstart.ipynb"

pytestmark = pytest.mark.native


@pytest.fixture
def folder(tmp_path):
    """A folder that treats notebooks as ours does."""
    for name in ("conftest.py", "sanitize.cfg", QUICKSTART.name):
        shutil.copy(NOTEBOOKS / name, tmp_path / name)
    return tmp_path


def test_make_run_prints_questions_and_answers_and_changes_nothing():
    before = QUICKSTART.read_bytes()
    done = run(NOTEBOOKS / "run.py", QUICKSTART)
    assert (done.returncode, done.stderr) == (0, "")
    assert "> How do I pull a model?\nRun `%ollama pull llama3.2`" in done.stdout
    assert re.search(r"guide · \d+ prompt \+ \d+ answer tokens · [\d.]+ tokens/s", done.stdout)
    assert "make lab" in done.stdout
    assert QUICKSTART.read_bytes() == before


def test_a_failing_notebook_fails(tmp_path):
    path = tmp_path / "broken.ipynb"
    cells = [new_code_cell("%load_ext ollama_nb"), new_code_cell("%ollama run giude Hi")]
    nbformat.write(new_notebook(cells=cells), path)
    done = run(NOTEBOOKS / "run.py", path)
    assert done.returncode == 1
    assert "ModelNotFound: model 'giude' not found. Did you mean guide?" in done.stdout


@pytest.mark.parametrize("mode", ["--nbval", "--nbval-lax"])
def test_nbval_notices_a_failing_magic(folder, mode):
    (folder / QUICKSTART.name).unlink()
    failing = [
        "%ollama run giude Hi",
        "%ollama create x",
        "%%ollama generate",
        "%%ollama generate\n{{ no }}",
    ]
    for number, source in enumerate(failing):
        cells = [new_code_cell("%load_ext ollama_nb"), new_code_cell(source)]
        nbformat.write(new_notebook(cells=cells), folder / f"{number}.ipynb")
    done = nbval(folder, mode)
    assert done.returncode == 1, done.stdout
    assert "4 failed, 4 passed" in done.stdout
