"""Environments with other people's clients, which need not agree with what we require ourselves.

Made once and kept. They hold nothing of ours: what runs there knows a server's address only.
"""

import hashlib
import os
import subprocess
import sysconfig
import venv
from pathlib import Path

import pytest
from packages import UNREACHABLE
from platformdirs import user_cache_path


def python_with(*requirements: str) -> Path:
    """An interpreter that has these packages and what they require.

    Skips where there is no index, fails where pip cannot do it for any other reason.
    """
    cache = Path(os.environ.get("OLLAMA_NB_TEST_CACHE", user_cache_path("ollama_nb") / "packages"))
    wanted = " ".join((sysconfig.get_python_version(), *requirements))
    folder = cache / "clients" / hashlib.sha256(wanted.encode()).hexdigest()[:12]
    python = folder / "bin" / "python"
    if not (folder / "done").exists():
        venv.create(folder, with_pip=True, clear=True)
        command = [python, "-m", "pip", "install", "--quiet", "--only-binary", ":all:"]
        done = subprocess.run(
            [*command, *requirements], capture_output=True, text=True, check=False
        )
        if done.returncode:
            give_up = pytest.skip if UNREACHABLE.search(done.stderr) else pytest.fail
            give_up(f"{requirements} cannot be installed: {done.stderr[-300:]}")
        (folder / "done").touch()
    return python
