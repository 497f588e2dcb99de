"""LangChain's own standard tests of a chat model and of embeddings, with ours behind them."""

import os
import re
import subprocess
from pathlib import Path

from client_environments import python_with
from servers import TOKEN

_TESTS = Path(__file__).with_name("langchain_standard.py")
_PACKAGES = ("langchain-ollama==1.1.0", "langchain-tests==1.1.9")
_LEAST = 37
"""Tests that pass, of 55; the file tells of the others why they do not."""


def test_its_standard_tests_pass(mounted, tmp_path):
    settings = tmp_path / "pytest.ini"
    settings.write_text("[pytest]\nasyncio_mode = auto\n")
    done = subprocess.run(
        [
            python_with(*_PACKAGES), "-m", "pytest", "-q", "-rxX", "--noconftest",
            "-c", settings, "-p", "no:cacheprovider", _TESTS,
        ],
        env=os.environ
        | {"OLLAMA_NB_TEST_SERVER": f"{mounted.url}/ollama", "OLLAMA_NB_TEST_TOKEN": TOKEN},
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    passed = re.search(r"(\d+) passed", done.stdout)
    assert passed is not None
    assert int(passed[1]) >= _LEAST
