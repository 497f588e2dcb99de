"""A server of ours or another's in a process of its own, on a free loopback port."""

import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import IO, Any

import httpx

_START_SECONDS = 120
_STOP_SECONDS = 20
_LAST_WORDS = 400


@contextmanager
def served(
    command: Sequence[Any],
    health: str,
    environment: Mapping[str, str] = os.environ,
    *,
    port: int | None = None,
) -> Iterator[tuple[str, "subprocess.Popen[bytes]"]]:
    """Run ``command`` until done with; give its address once it is healthy.

    It is told the port with ``--port PORT``, unless the caller says that it knows its ``port``.
    """
    told = [] if port else ["--port", str(port := free_port())]
    url = f"http://127.0.0.1:{port}"
    with (
        tempfile.TemporaryFile() as words,
        subprocess.Popen(
            [*command, *told], env=dict(environment), stdout=words, stderr=words
        ) as process,
    ):
        try:
            _wait_for(url + health, process, words)
            yield url, process
        finally:
            _stop(process)


def free_port() -> int:
    """A loopback port that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    return port


def _stop(process: "subprocess.Popen[bytes]") -> None:
    """Ask, wait, and insist."""
    process.terminate()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()


def _wait_for(url: str, process: "subprocess.Popen[bytes]", words: IO[bytes]) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if httpx.get(url).is_success:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    words.seek(max(0, words.seek(0, os.SEEK_END) - _LAST_WORDS))
    said = words.read().decode("utf-8", "replace").strip().rpartition("\n")[2]
    raise RuntimeError(f"no server: {said or 'it said nothing'}")
