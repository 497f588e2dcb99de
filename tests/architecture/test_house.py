"""What the house promises as a whole: cheap imports, errors with a status, one version."""

import importlib
import inspect
import json
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import ollama_nb
from ollama_nb import errors

PACKAGE = Path(ollama_nb.__file__).parent
ROOT = PACKAGE.parent


def modules_after(code):
    """Names of the modules in sys.modules of a new process after ``code``."""
    script = f"{code}\nimport sys, json; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize(
    ("code", "absent"),
    [
        ("import ollama_nb", {"llama_cpp", "jupyter_server", "tornado", "IPython", "numpy"}),
        (
            "from IPython.core.interactiveshell import InteractiveShell as S\n"
            "s = S(); s.run_line_magic('load_ext', 'ollama_nb')",
            {"llama_cpp", "jupyter_server", "ipywidgets"},
        ),
        ("import ollama_nb; ollama_nb.Client()", {"llama_cpp", "jupyter_server", "tornado"}),
        ("import ollama_nb.service", {"llama_cpp", "jupyter_server", "tornado", "asyncio"}),
        ("import ollama_nb.server.app", {"llama_cpp"}),
    ],
)
def test_importing_loads_nothing_heavy(code, absent):
    assert not absent & modules_after(code)


def test_every_error_has_a_status_and_says_what_it_is():
    found = [one for _, one in inspect.getmembers(errors, inspect.isclass)]
    for error in found:
        assert issubclass(error, errors.OllamaError)
        assert 400 <= error.status < 600
        assert error.__name__ in (errors.__doc__ or "")


def test_errors_are_shown_as_one_line_in_a_notebook():
    assert errors.ModelNotFound("x")._render_traceback_() == ["ModelNotFound: model 'x' not found"]


def test_the_version_is_written_once_and_logged():
    assert f"\n## [{ollama_nb.__version__}]" in read("CHANGELOG.md")


def test_public_names_can_be_imported():
    for name in ollama_nb.__all__:
        assert getattr(ollama_nb, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = ollama_nb.nothing


def test_every_module_imports_and_says_what_it_is():
    training = {"train", "network", "muon", "meaning", "tokenizer", "batches", "export"}
    for info in pkgutil.walk_packages([str(PACKAGE)], "ollama_nb."):
        if info.name.rpartition(".")[2] not in training | {"__main__"}:
            assert importlib.import_module(info.name).__doc__, info.name


def test_the_readme_names_every_folder_of_the_package():
    readme = read("README.md")
    for folder in (path for path in PACKAGE.iterdir() if (path / "__init__.py").exists()):
        assert f"  {folder.name}/ " in readme, folder.name


def read(name):
    return (ROOT / name).read_text()
