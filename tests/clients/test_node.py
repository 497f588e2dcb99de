"""The official client in Node, against the standalone server and a real registry."""

import hashlib
import json
import os
import secrets
import shutil
import subprocess
from pathlib import Path

import pytest
from platformdirs import user_cache_path
from registry import running_registry
from servers import standalone_server

_PACKAGES = ("ollama@0.6.4",)
_SCRIPT = Path(__file__).with_name("transfers.mjs")
_PATIENCE = 300


@pytest.fixture(scope="module")
def node():
    """The program. Where a package could have brought it, its absence fails the test."""
    missing = [one for one in ("node", "npm") if not shutil.which(one)]
    if missing and shutil.which("apt-get"):
        pytest.fail(f"{missing} missing: run .ci/system-packages, or apt install nodejs npm")
    if missing:
        pytest.skip("needs node and npm")
    return shutil.which("node")


@pytest.fixture(scope="module")
def packages(node):
    """The folder with the clients, fetched once and kept."""
    cache = Path(os.environ.get("OLLAMA_NB_TEST_CACHE", user_cache_path("ollama_nb") / "packages"))
    folder = cache / "node" / hashlib.sha256(" ".join(_PACKAGES).encode()).hexdigest()[:12]
    if not (folder / "done").exists():
        folder.mkdir(parents=True, exist_ok=True)
        command = ["npm", "install", "--no-audit", "--no-fund", "--prefix", str(folder), *_PACKAGES]
        done = subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE)
        if done.returncode:
            unreachable = any(word in done.stderr for word in ("ENOTFOUND", "ECONN", "ETIMEDOUT"))
            (pytest.skip if unreachable else pytest.fail)(f"npm: {done.stderr[-300:]}")
        (folder / "done").touch()
    return folder


def test_transfers(node, packages, tmp_path):
    data = secrets.token_bytes(5_000_000)
    digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
    file = tmp_path / "data"
    file.write_bytes(data)
    with (
        running_registry(tmp_path / "registry") as registry,
        standalone_server(tmp_path / "server", tmp_path / "models") as server,
    ):
        done = subprocess.run(
            [node, _SCRIPT, packages, server.url, registry.host, file, digest],
            capture_output=True, text=True, timeout=_PATIENCE, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        said = json.loads(done.stdout)
    name = f"{registry.host}/library/from-node:latest"
    assert said["copied"] == said["deleted"] == {"status": "success"}
    assert said["pushed"][0] == {"status": "retrieving manifest"}
    assert said["pulled"][0] == {"status": "pulling manifest"}
    assert said["pushed"][-1] == said["pulled"][-1] == said["again"] == {"status": "success"}
    assert name not in said["listed"]
    assert said["same"]
    assert said["shown"]["family"] == "llama"
    assert said["blob"] == [404, 201, 200]
    text = "pull model manifest: file does not exist"
    assert said["refused"] == f"500 {text}"
    assert said["refusedStream"] == text
    assert said["aborted"] in ("AbortError", [])
