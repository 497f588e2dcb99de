"""Jupyter AI's magics: their cells are answered by a server of ours."""

import json
import os
import subprocess
from pathlib import Path

from client_environments import python_with

_CELLS = Path(__file__).with_name("jupyter_ai_cells.py")
_PACKAGES = ("jupyter-ai-magics==2.31.7", "langchain-ollama==0.3.10")


def test_cells_are_answered(address, tmp_path):
    url, token = address
    done = subprocess.run(
        [python_with(*_PACKAGES), _CELLS],
        env=os.environ | {"OLLAMA_HOST": url, "OLLAMA_API_KEY": token, "HOME": str(tmp_path)},
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout.splitlines()[-1])
    assert "ollama pull" in said["answer"]
    # It asks for Markdown in words of its own, and tells what was said in the cells before.
    assert "Markdown" in said["markdown"]
    assert "pull" in said["interpolated"]
    assert "model 'nope' not found" in said["unknown"]
