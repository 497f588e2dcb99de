"""Uploads that are larger than what a server may use of memory."""

import contextlib
import hashlib
import subprocess
import time
from pathlib import Path

import httpx
import patient_http
import pytest
from servers import BEARER, standalone_server

SIZE = 300 << 20
MOST = 60 << 20
PATIENCE = 600
"""Seconds: so much has to get to the disk before there is an answer."""


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """A file, and its digest."""
    path = tmp_path_factory.mktemp("large") / "file"
    rest, digest = bytes(range(256)) * 4095 + bytes(248), hashlib.sha256()
    with path.open("wb") as file:
        for number in range(SIZE >> 20):
            piece = number.to_bytes(8, "big") + rest
            file.write(piece)
            digest.update(piece)
    yield path, f"sha256:{digest.hexdigest()}"
    path.unlink()


@pytest.fixture
def blob(stocked, large):
    """Where it is to come, and whence it goes again."""
    path = stocked / "blobs" / large[1].replace(":", "-")
    yield path
    path.unlink(missing_ok=True)


@pytest.fixture(params=["jupyter", "standalone"])
def server(request):
    return request.getfixturevalue(request.param)


@pytest.fixture
def grown(server):
    """How much memory the server has come to use at most, beyond what it uses now."""
    folder = Path(f"/proc/{server.process.pid}")
    if not (folder / "clear_refs").exists():
        pytest.skip("needs Linux")
    patient_http.get(f"{server.url}/api/tags", headers=BEARER)
    (folder / "clear_refs").write_text("5")
    before = figure(folder, "VmRSS")
    return lambda: figure(folder, "VmHWM") - before


def figure(folder, name):
    lines = (folder / "status").read_text().splitlines()
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith(name))


@pytest.mark.parametrize("framing", ["length", "chunks"])
def test_memory_stays_small(server, large, blob, grown, framing):
    path, digest = large
    url = f"{server.url}/api/blobs/{digest}"
    with path.open("rb") as file:
        content = file if framing == "length" else iter(lambda: file.read(1 << 20), b"")
        headers = BEARER if framing == "chunks" else {**BEARER, "Content-Length": str(SIZE)}
        answer = patient_http.post(url, content=content, headers=headers, timeout=PATIENCE)
    assert answer.status_code == 201
    assert blob.stat().st_size == SIZE
    assert grown() < MOST


@pytest.mark.parametrize(
    "options", [[], ["-H", "Transfer-Encoding: chunked"], ["-H", "Expect:"], ["--http1.0"]]
)
def test_curl(standalone, large, blob, options):
    path, digest = large
    command = [
        "curl", "--silent", "--show-error", "--max-time", str(PATIENCE), "-X", "POST",
        "-T", str(path), "-w", "%{http_code}", *options, f"{standalone.url}/api/blobs/{digest}",
    ]  # fmt: skip
    for status in ("201", "200"):
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        assert done.stdout == status


def test_a_stopping_server_leaves_nothing_of_an_upload(tmp_path):
    models = tmp_path / "models"
    with standalone_server(tmp_path / "server", models) as server:

        def pieces():
            yield bytes(3 << 20)
            while not list((models / ".ollama_nb" / "drafts").glob("*")):
                time.sleep(0.01)
            server.process.terminate()
            while server.process.poll() is None:
                yield bytes(1 << 20)
                time.sleep(0.01)

        with contextlib.suppress(httpx.TransportError):
            patient_http.post(f"{server.url}/api/blobs/sha256:{'0' * 64}", content=pieces())
        assert server.process.wait(PATIENCE) == 0
        assert "Traceback" not in server.log.read_text()
    assert list((models / "blobs").glob("*")) == []
    assert list((models / ".ollama_nb" / "drafts").glob("*")) == []
