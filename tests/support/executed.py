"""Notebooks executed as users and `make test` execute them, in processes of their own."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
NOTEBOOKS = ROOT / "notebooks"


def run(*command, **environment):
    """Run a program of this environment, outside of pytest's own."""
    clean = {name: value for name, value in os.environ.items() if name != "PYTEST_VERSION"}
    return subprocess.run(
        [sys.executable, *map(str, command)],
        cwd=ROOT,
        env=clean | environment,
        capture_output=True,
        text=True,
        timeout=900,
    )


def nbval(path, mode="--nbval"):
    return run("-m", "pytest", mode, path, "-q", "-p", "no:cacheprovider", "--color=no")


_PATIENT = (
    "--ExecutePreprocessor.startup_timeout=300",
    "--ExecutePreprocessor.iopub_timeout=300",
)


def save_streamed(path, **environment):
    """Execute it as in Lab, where answers stream and bars move, and save the outputs."""
    arguments = ("--to", "notebook", "--execute", "--inplace", *_PATIENT, path)
    return run("-m", "nbconvert", *arguments, OLLAMA_NB_DISPLAY="stream", **environment)
