"""Debian's docker-registry in a process of its own, open or asking for tokens."""

import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

import pytest
from servers import reserved_port

_PATIENCE = 180
_CONFIG = """\
version: 0.1
log:
  level: warn
  accesslog:
    disabled: true
storage:
  filesystem:
    rootdirectory: {storage}
  delete:
    enabled: true
http:
  addr: 127.0.0.1:{port}
  secret: the same for registries that share a storage
"""
_TOKENS = """\
auth:
  token:
    realm: {0.realm}
    service: {0.service}
    issuer: {0.issuer}
    rootcertbundle: {0.certificate}
"""


@dataclass(frozen=True)
class TokenAuth:
    """Whose tokens a registry takes, and where it sends clients for them."""

    realm: str
    certificate: Path
    service: str = "registry"
    issuer: str = "ollama_nb tests"


@dataclass(frozen=True)
class Registry:
    """A registry that answers."""

    port: int
    storage: Path
    process: subprocess.Popen
    log: Path

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"http://{self.host}"

    def data(self, digest: str) -> Path:
        """Where a blob's or a manifest's bytes lie, for tests that spoil or remove them."""
        algorithm, _, name = digest.partition(":")
        return self.storage / "docker/registry/v2/blobs" / algorithm / name[:2] / name / "data"


def binary() -> str:
    """The program. Where a package could have brought it, its absence fails the test."""
    found = shutil.which("docker-registry")
    if not found and shutil.which("apt-get"):
        pytest.fail("docker-registry is missing: run .ci/system-packages, or apt install it")
    if not found:
        pytest.skip("needs docker-registry, which is packaged for Debian and its kin only")
    return found


@contextmanager
def running_registry(
    root: Path, auth: TokenAuth | None = None, *, storage: Path | None = None
) -> Iterator[Registry]:
    """A registry with its files under ``root``; ``storage`` may be another one's."""
    program = binary()
    storage = storage or root / "storage"
    config, log = root / "config.yml", root / "log"
    root.mkdir(parents=True, exist_ok=True)
    with reserved_port() as port:
        config.write_text(
            _CONFIG.format(storage=storage, port=port) + (_TOKENS.format(auth) if auth else "")
        )
        with log.open("w") as output:
            process = subprocess.Popen([program, "serve", config], stdout=output, stderr=output)
        try:
            _wait_for(port, process, log)
            yield Registry(port, storage, process, log)
        finally:
            process.kill()
            process.wait(_PATIENCE)


def _wait_for(port: int, process: subprocess.Popen, log: Path) -> None:
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end and process.poll() is None:
        connection = HTTPConnection("127.0.0.1", port, timeout=_PATIENCE)
        try:
            connection.request("GET", "/v2/")
            if connection.getresponse().status in (200, 401):
                return
        except (TimeoutError, ConnectionError):
            time.sleep(0.02)
        finally:
            connection.close()
    raise AssertionError(f"docker-registry did not start:\n{log.read_text()}")
