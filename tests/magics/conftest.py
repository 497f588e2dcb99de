import os

import pytest
from fake_service import fake_service

__all__ = ["fake_service"]


@pytest.fixture(scope="session")
def ipython(tmp_path_factory):
    """An IPython shell of this process, as in a terminal."""
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    os.environ["IPYTHONDIR"] = str(tmp_path_factory.mktemp("ipython"))
    config = Config()
    config.HistoryManager.enabled = False
    return InteractiveShell.instance(config=config)


@pytest.fixture
def shell(ipython):
    """The shell with the extension loaded, no variables and nothing configured."""
    before = set(ipython.user_ns)
    ipython.run_line_magic("load_ext", "ollama_nb")
    yield ipython
    ipython.run_line_magic("unload_ext", "ollama_nb")
    ipython.config.pop("OllamaMagics", None)  # where %config leaves its values
    for name in set(ipython.user_ns) - before:
        del ipython.user_ns[name]


@pytest.fixture
def run(shell):
    """Run a cell: its result, or the error it ends with raised."""

    def run_cell(source):
        outcome = shell.run_cell(source)
        outcome.raise_error()
        return outcome.result

    return run_cell
