"""IPython in a real terminal: bars on the way, and the value's lines once."""

import os
import re
import sys

import pexpect
import pytest
from guide_registry import guide_registry

PATIENCE = 300


@pytest.fixture
def registry(tmp_path):
    with guide_registry(tmp_path / "registry") as registry:
        yield registry


@pytest.fixture
def shell(tmp_path):
    """IPython with the extension loaded."""
    environment = os.environ | {
        "HOME": str(tmp_path), "IPYTHONDIR": str(tmp_path / "ipython"), "TERM": "dumb",
        "OLLAMA_MODELS": str(tmp_path / "models"),
    }  # fmt: skip
    child = pexpect.spawn(
        sys.executable, ["-m", "IPython", "--simple-prompt", "--no-banner", "--colors=NoColor"],
        env=environment, timeout=PATIENCE, dimensions=(30, 120), encoding="utf-8",
    )  # fmt: skip
    child.expect(r"In \[1\]: ")
    child.sendline("%load_ext ollama_nb")
    child.expect(r"In \[2\]: ")
    yield child
    child.close(force=True)


def test_bars_and_then_lines(shell, registry):
    first, second = registry.held(500_000, 3_000_000)
    shell.sendline(f"%ollama pull --insecure {registry.name}")
    shell.expect(r"\d%\|")
    first.set()
    shell.expect(r"5\d%\|.*B/s\]")
    second.set()
    shell.expect(r"Out\[2\]: ")
    shell.expect(r"In \[3\]: ")
    lines = shell.before.strip().splitlines()
    assert len(lines) == 6
    assert re.fullmatch(rf"success: {registry.name} · 5\.2 MB in .*", lines[-1].strip())


def test_an_interrupt_leaves_the_shell_as_it_was(shell, registry):
    registry.held(1_500_000)
    shell.sendline(f"done = %ollama pull --insecure {registry.name}")
    shell.expect(r"2\d%\|")
    shell.sendintr()
    shell.expect(r"In \[3\]: ")
    assert "Traceback" not in shell.before
    shell.sendline("print(done)")
    shell.expect(r"interrupted: what has arrived is kept, %ollama pull --insecure \S+ goes on")
