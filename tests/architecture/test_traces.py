"""The call trace of a cell, walked, and the README that shows it. The other is in tests/server."""

from IPython.core.interactiveshell import InteractiveShell
from traces import MOST_HOPS, PACKAGE, join, watch


def test_a_cell_reaches_llama_cpp_in_at_most_six_hops(monkeypatch):
    seen = watch(monkeypatch)
    shell = InteractiveShell()
    shell.run_line_magic("load_ext", "ollama_nb")
    result = shell.run_cell("%%ollama generate -m guide\nHow do I pull a model?")
    shell.run_line_magic("unload_ext", "ollama_nb")
    assert result.success
    trace = join(seen["stream"], ["service"], seen["submit"], seen["decode"], ["engine/native"])
    assert trace == [
        "magics/ollama_magics.py",
        "magics/generation.py",
        "commands/answering.py",
        "service",
        "engine/runner.py",
        "engine/native",
    ]
    assert len(trace) <= MOST_HOPS


def test_the_readme_shows_these_rooms():
    readme = (PACKAGE.parent / "README.md").read_text()
    columns = readme.split("A test walks them:")[1].split("```")[1]
    for room in (
        "magics/ollama_magics.py", "magics/generation.py", "commands/answering.py",
        "server/handlers.py", "server/bridge.py", "engine/runner.py", "engine/native", "http/",
        "service/",
    ):  # fmt: skip
        assert room in columns
        assert (PACKAGE / room).exists()
