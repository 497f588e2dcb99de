"""Real servers in processes of their own, with nothing of the user's around them."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

TOKEN = "s3cret"
BASE_URL = "/user/ann/"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
_PATIENCE = 180


@dataclass(frozen=True)
class Server:
    """A server that answers: ``url`` is its root, with the base URL and without a slash."""

    url: str
    process: subprocess.Popen
    log: Path

    @property
    def address(self) -> tuple[str, int]:
        """Host and port for a socket."""
        url = httpx.URL(self.url)
        return url.host, url.port


@contextmanager
def reserved_port() -> Iterator[int]:
    """A port of loopback that the system gives to nobody else as long as this lasts.

    On Linux who names it can listen on it all the same. Elsewhere that is not so, and it is only
    free when this begins.
    """
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind(("127.0.0.1", 0))
        port = holder.getsockname()[1]
        if sys.platform != "linux":
            holder.close()
        yield port


def environment(root: Path, models: Path) -> dict[str, str]:
    """The environment of a user who has just installed us."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("JUPYTER", "JPY", "OLLAMA"))
    }
    folders = {f"JUPYTER_{kind}_DIR": str(root / kind.lower()) for kind in _KINDS}
    home = {"HOME": str(root), "IPYTHONDIR": str(root / "ipython")}
    return kept | folders | home | {"OLLAMA_MODELS": str(models), "OLLAMA_NUM_PARALLEL": "1"}


_KINDS = ("CONFIG", "DATA", "RUNTIME")


@contextmanager
def jupyter_server(root: Path, models: Path, **settings: str) -> Iterator[Server]:
    """A jupyter-server below a base URL, with a token, as under a Hub."""
    arguments = (
        "jupyter_server", "--no-browser", "--allow-root", "--ServerApp.ip=127.0.0.1",
        "--ServerApp.port_retries=0", f"--ServerApp.base_url={BASE_URL}",
        f"--IdentityProvider.token={TOKEN}",
    )  # fmt: skip
    env = environment(root, models) | settings
    with reserved_port() as port:
        url = f"http://127.0.0.1:{port}{BASE_URL.rstrip('/')}"
        told = (*arguments, f"--ServerApp.port={port}")
        with _running(told, root, env, url, "/ollama/") as server:
            yield server


@contextmanager
def standalone_server(root: Path, models: Path, *options: str, **settings: str) -> Iterator[Server]:
    """``jupyter ollama serve`` on a free port of loopback."""
    arguments = ("ollama_nb", "serve", *options)
    with reserved_port() as port:
        env = environment(root, models) | {"OLLAMA_HOST": f"127.0.0.1:{port}"} | settings
        with _running(arguments, root, env, f"http://127.0.0.1:{port}", "/") as server:
            yield server


@contextmanager
def _running(
    arguments: Sequence[str], root: Path, env: dict[str, str], url: str, heartbeat: str
) -> Iterator[Server]:
    work, log = root / "work", root / "log"
    work.mkdir(parents=True)
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", *arguments], env=env, cwd=work, stdout=output, stderr=output
        )
    try:
        _wait_for(url + heartbeat, process, log)
        yield Server(url, process, log)
    finally:
        if process.poll() is None:
            process.terminate()
        assert process.wait(_PATIENCE) == 0


def _wait_for(url: str, process: subprocess.Popen, log: Path) -> None:
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end and process.poll() is None:
        try:
            if httpx.get(url).text == "Ollama is running":
                return
        except httpx.TransportError:
            time.sleep(0.05)
    raise AssertionError(f"no heartbeat at {url}:\n{log.read_text()}")
