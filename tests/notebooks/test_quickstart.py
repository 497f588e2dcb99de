"""The quickstart is true: it runs, its outputs are what nbval finds, and nbval would notice."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

ROOT = Path(__file__).parents[2]
NOTEBOOKS = ROOT / "notebooks"
QUICKSTART = NOTEBOOKS / "00-quickstart.ipynb"

pytestmark = pytest.mark.native


def run(*command, **environment):
    """Run a program of this environment, outside of pytest's own."""
    clean = {name: value for name, value in os.environ.items() if name != "PYTEST_VERSION"}
    return subprocess.run(
        [sys.executable, *map(str, command)],
        cwd=ROOT,
        env=clean | environment,
        capture_output=True,
        text=True,
        timeout=240,
    )


def nbval(path, mode="--nbval"):
    return run("-m", "pytest", mode, path, "-q", "-p", "no:cacheprovider", "--color=no")


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


def test_the_committed_outputs_are_what_comes_out():
    done = nbval(QUICKSTART)
    assert done.returncode == 0, done.stdout


def test_a_streamed_run_saves_what_nbval_finds(folder):
    """nbconvert streams (and saves speeds), nbval shows once (and measures others)."""
    path = folder / QUICKSTART.name
    arguments = ("--to", "notebook", "--execute", "--inplace", path)
    done = run("-m", "nbconvert", *arguments, OLLAMA_NB_DISPLAY="stream")
    assert done.returncode == 0, done.stderr
    assert "tokens/s" in path.read_text()
    done = nbval(path)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("mode", ["--nbval", "--nbval-lax"])
def test_nbval_notices_a_failing_magic(folder, mode):
    (folder / QUICKSTART.name).unlink()
    failing = [
        "%ollama run giude Hi",
        "%ollama pull x",
        "%%ollama generate",
        "%%ollama generate\n{{ no }}",
    ]
    for number, source in enumerate(failing):
        cells = [new_code_cell("%load_ext ollama_nb"), new_code_cell(source)]
        nbformat.write(new_notebook(cells=cells), folder / f"{number}.ipynb")
    done = nbval(folder, mode)
    assert done.returncode == 1, done.stdout
    assert "4 failed, 4 passed" in done.stdout


def test_the_file_is_clean():
    notebook = json.loads(QUICKSTART.read_text())
    assert notebook["metadata"] == {
        "kernelspec": {
            "display_name": "Python 3 (ipykernel)",
            "language": "python",
            "name": "python3",
        },
        "language_info": {"name": "python"},
    }
    assert {key for cell in notebook["cells"] for key in cell["metadata"]} <= {"tags"}
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in code] == list(range(1, len(code) + 1))
    assert not any(
        output["output_type"] == "error" or output.get("name") == "stderr"
        for cell in code
        for output in cell["outputs"]
    )
    assert QUICKSTART.stat().st_size < 40_000
