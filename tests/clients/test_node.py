"""The official client in Node: every method, on both kinds of server; and a real registry."""

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
from servers import TOKEN, standalone_server

_PACKAGES = ("ollama@0.6.4",)
_SCRIPTS = Path(__file__).parent
_PATIENCE = 900


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


@pytest.fixture
def run(node, packages):
    """Run a script that talks to a server; return what it prints."""

    def run(script, *arguments):
        done = subprocess.run(
            [node, _SCRIPTS / script, packages, *arguments],
            capture_output=True, text=True, timeout=_PATIENCE, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


@pytest.fixture(params=["mounted", "standalone"])
def said(request, run):
    """What every method of the client returns, asked of either server."""
    server = request.getfixturevalue(request.param)
    if request.param == "mounted":
        return run("methods.mjs", f"{server.url}/ollama", TOKEN)
    return run("methods.mjs", server.url, "")


def test_methods(said):
    check_answers(said)
    check_chats(said)
    check_models(said)
    vectors = said["embedded"]["embeddings"]
    assert ([len(vector) for vector in vectors], len(said["embedding"])) == ([16, 16], 256)
    assert said["left"] == ["AbortError"] * 3
    assert said["after"] == 2


def check_answers(said):
    answer, streamed = said["generated"], said["generatedStream"]
    assert "ollama pull" in answer["response"]
    assert (answer["done"], answer["done_reason"]) == (True, "stop")
    assert streamed["text"] == answer["response"]
    assert streamed["last"]["eval_count"] == answer["eval_count"]
    assert sorted(said["object"]) == ["age", "name"]
    assert "a + b" in said["infilled"]
    assert said["loaded"] == "load"
    assert said["unknown"] == said["unknownStream"] == [404, "model 'nope' not found"]


def check_chats(said):
    answer, streamed = said["chatted"], said["chattedStream"]
    assert "ollama pull" in answer["message"]["content"]
    assert streamed["text"] == answer["message"]["content"]
    assert streamed["last"]["eval_count"] == answer["eval_count"]
    for calls in (said["called"], said["calledStream"]):
        functions = [(one["function"]["name"], one["function"]["arguments"]) for one in calls]
        assert functions == [("get_weather", {"city": "Paris"})]
    assert "14 degrees" in said["answered"]["content"]
    assert said["thought"]["thinking"]
    assert said["thought"]["content"]
    assert said["refused"] == [400, '"guide" does not support thinking']


def check_models(said):
    assert said["version"]["version"]
    assert "guide:latest" in said["listed"]
    assert "guide:latest" in said["running"]
    assert said["shown"]["details"]["family"] == "llama"
    assert said["created"] == said["createdAgain"] == {"status": "success"}
    assert said["made"] == "Be brief."
    assert said["copied"] == {"status": "success"}
    assert said["deleted"] == [{"status": "success"}] * 2
    both = {"from-node:latest", "also-from-node:latest"}
    assert both <= set(said["listedThen"])
    assert not both & set(said["listedLast"])
    assert said["deletedTwice"] == [404, "model 'from-node' not found"]


def test_transfers(run, tmp_path):
    data = secrets.token_bytes(5_000_000)
    digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
    file = tmp_path / "data"
    file.write_bytes(data)
    with (
        running_registry(tmp_path / "registry") as registry,
        standalone_server(tmp_path / "server", tmp_path / "models") as server,
    ):
        said = run("transfers.mjs", server.url, registry.host, file, digest)
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
