"""A server of ours or another's in a process of its own, on a free loopback port."""

import os
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import httpx

_START_SECONDS = 120


@contextmanager
def served(
    command: Sequence[Any], health: str, environment: Mapping[str, str] = os.environ
) -> Iterator[tuple[str, "subprocess.Popen[bytes]"]]:
    """Run ``command`` with ``--port PORT`` until done with; give its address once it is healthy."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    quiet = subprocess.DEVNULL
    with subprocess.Popen(
        [*command, "--port", str(port)], env=dict(environment), stdout=quiet, stderr=quiet
    ) as process:
        try:
            _wait_for(url + health, process)
            yield url, process
        finally:
            process.terminate()


def _wait_for(url: str, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if httpx.get(url).is_success:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise RuntimeError("the server did not start")
