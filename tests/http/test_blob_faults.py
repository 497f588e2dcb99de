"""Uploads that are killed or find the disk broken at every step: nothing half-done is visible."""

import hashlib
import os
import signal
import subprocess
import sys

import pytest

DATA = bytes(range(256)) * 20_000
DIGEST = f"sha256:{hashlib.sha256(DATA).hexdigest()}"
STEPS = ("draft-made", "draft-write", "before-sync", "after-sync", "before-rename", "after-rename")
_CODE = """
from ollama_nb.http import Request, Response, begin
from ollama_nb.service import Service
data = bytes(range(256)) * 20_000
answer = begin(Service(), Request("POST", "/api/blobs/{digest}"))
if not isinstance(answer, Response):
    pieces = [data[at : at + 1_000_000] for at in range(0, len(data), 1_000_000)]
    failed = [one for one in map(answer.write, pieces) if one is not None]
    answer = failed[0] if failed else answer.finish()
print(answer.status)
"""


@pytest.fixture
def store(tmp_path):
    return tmp_path / "models"


@pytest.fixture
def upload(store):
    """Upload in a process of its own; returns its exit status and the answer's."""

    def upload(failpoint=""):
        env = {**os.environ, "OLLAMA_MODELS": str(store), "OLLAMA_NB_FAILPOINT": failpoint}
        done = subprocess.run(
            [sys.executable, "-c", _CODE.format(digest=DIGEST)],
            env=env, capture_output=True, text=True, timeout=180, check=False,
        )  # fmt: skip
        return done.returncode, done.stdout.strip()

    return upload


def blobs(store):
    return {path.name: path.read_bytes() for path in (store / "blobs").glob("*")}


WHOLE = {DIGEST.replace(":", "-"): DATA}


@pytest.mark.parametrize(("step", "count"), [*((step, 1) for step in STEPS), ("draft-write", 3)])
def test_killed(upload, store, step, count):
    assert upload(f"{step}:kill:{count}") == (-signal.SIGKILL, "")
    assert blobs(store) == (WHOLE if step == "after-rename" else {})
    assert upload() == (0, "200" if step == "after-rename" else "201")
    assert blobs(store) == WHOLE
    assert list((store / ".ollama_nb" / "drafts").glob("*")) == []


@pytest.mark.parametrize(("action", "status"), [("enospc", "507"), ("eio", "500")])
@pytest.mark.parametrize("step", STEPS[:-1])
def test_a_disk_that_fails(upload, store, step, action, status):
    assert upload(f"{step}:{action}") == (0, status)
    assert blobs(store) == {}
    assert upload() == (0, "201")
    assert list((store / ".ollama_nb" / "drafts").glob("*")) == []
