"""The tutorials are true: each runs offline, and its outputs are what nbval finds."""

import json
import shutil

import nbformat
import pytest
from executed import NOTEBOOKS, nbval, save_streamed
from guide_registry import guide_registry
from nbformat.v4 import new_code_cell, new_notebook

TUTORIALS = sorted(NOTEBOOKS.glob("*.ipynb"))

pytestmark = pytest.mark.native


@pytest.fixture(params=TUTORIALS, ids=lambda path: path.stem)
def tutorial(request):
    return request.param


@pytest.fixture
def folder(tmp_path):
    """A folder that treats notebooks as ours does."""
    for name in ("conftest.py", "sanitize.cfg"):
        shutil.copy(NOTEBOOKS / name, tmp_path / name)
    return tmp_path


def test_the_committed_outputs_are_what_comes_out(tutorial):
    done = nbval(tutorial)
    assert done.returncode == 0, done.stdout


def test_a_streamed_run_saves_what_nbval_finds(tutorial, folder, tmp_path):
    """nbconvert streams (and saves speeds), nbval shows once (and measures others)."""
    path = folder / tutorial.name
    shutil.copy(tutorial, path)
    done = save_streamed(path, OLLAMA_MODELS=str(tmp_path / "models"))
    assert done.returncode == 0, done.stderr
    assert "tokens/s" in path.read_text()
    done = nbval(path)
    assert done.returncode == 0, done.stdout


def test_a_pull_with_bars_saves_what_nbval_finds(folder, tmp_path):
    """Bars leave nothing, and times are not compared."""
    path = folder / "pull.ipynb"
    with guide_registry(tmp_path / "registry") as registry:
        registry.slow(4_000_000)
        sources = ("%load_ext ollama_nb", f"%ollama pull --insecure {registry.name}")
        cells = [new_code_cell(source) for source in sources]
        nbformat.write(new_notebook(cells=cells), path)
        done = save_streamed(path, OLLAMA_MODELS=str(tmp_path / "models"))
        assert done.returncode == 0, done.stderr
        emptied, result = json.loads(path.read_text())["cells"][1]["outputs"]
        assert emptied["data"] == {}
        assert "B/s" in "".join(result["data"]["text/plain"])
        done = nbval(path)
    assert done.returncode == 0, done.stdout


def test_the_file_is_clean(tutorial):
    notebook = json.loads(tutorial.read_text())
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
    assert tutorial.stat().st_size < 40_000
