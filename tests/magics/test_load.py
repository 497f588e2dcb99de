"""%load_ext ollama_nb: quick, silent, repeatable, and undone by %unload_ext."""

import subprocess
import sys

QUIET_LOAD = """
import sys
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
shell.run_line_magic("load_ext", "ollama_nb")
shell.run_line_magic("reload_ext", "ollama_nb")
shell.complete("%oll")
heavy = {"llama_cpp", "jupyter_server", "tornado", "numpy", "jinja2", "ollama_nb.service"}
assert not heavy & set(sys.modules), heavy & set(sys.modules)
"""


def test_loading_imports_nothing_heavy_and_says_nothing(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", QUIET_LOAD],
        env={"IPYTHONDIR": str(tmp_path), "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def registered(shell):
    """Whatever the extension leaves in a shell."""
    return (
        "ollama" in shell.magics_manager.magics["line"],
        "ollama" in shell.magics_manager.magics["cell"],
        "OllamaMagics" in shell.magics_manager.registry,
        sum(type(item).__name__ == "OllamaMagics" for item in shell.configurables),
        len(shell.Completer.custom_matchers),
        len(shell.input_transformers_cleanup),
    )


def test_loading_twice_is_loading_once(shell):
    from ollama_nb.magics import load

    before = registered(shell)
    load(shell)
    shell.run_line_magic("reload_ext", "ollama_nb")
    assert registered(shell) == before
    assert before[:4] == (True, True, True, 1)


def test_unloading_takes_everything_back(shell, fake_service):
    *_, matchers, transformers = registered(shell)
    shell.run_line_magic("unload_ext", "ollama_nb")
    assert registered(shell) == (False, False, False, 0, matchers - 1, transformers - 1)
    assert fake_service.closed
    shell.run_line_magic("load_ext", "ollama_nb")
    assert registered(shell)[0]
