"""Real registries, open and guarded, and what stands between them and a client."""

import os
import shutil
import tempfile
import time
from itertools import count
from pathlib import Path

import pytest
from fault_proxy import FaultProxy
from guarded import guarded_registry
from plain_client import PlainClient
from pull_children import Children
from pulls import HASTY, Puller, only_pauses_count
from registry import running_registry

_PATIENCE = 120
_numbers = count()


@pytest.fixture(scope="session")
def registry(tmp_path_factory):
    """A docker-registry that asks nobody for a token."""
    with running_registry(tmp_path_factory.mktemp("registry")) as registry:
        yield registry


@pytest.fixture(scope="session")
def _guarded(registry, tmp_path_factory):
    root = tmp_path_factory.mktemp("guarded")
    with guarded_registry(root, storage=registry.storage) as guarded:
        yield guarded


@pytest.fixture
def guarded(_guarded):
    """The same models behind a token; proxy and token server know of nothing yet."""
    _guarded.proxy.forget()
    _guarded.tokens.forget()
    return _guarded


@pytest.fixture
def proxy(registry):
    """A proxy in front of the open registry; without rules it does no harm."""
    with FaultProxy(registry.host) as proxy:
        yield proxy


@pytest.fixture
def elsewhere(registry):
    """Another origin that has the same blobs."""
    with FaultProxy(registry.host) as proxy:
        yield proxy


@pytest.fixture
def repository():
    """A repository that no other test knows."""
    return f"library/model{next(_numbers)}"


@pytest.fixture
def plain(registry):
    """Plain HTTP calls to the open registry."""
    return PlainClient(registry.host)


@pytest.fixture(scope="session")
def until():
    """Wait for a condition that another thread or process brings about."""

    def until(condition):
        end = time.monotonic() + _PATIENCE
        while not condition() and time.monotonic() < end:
            time.sleep(0.005)
        return condition()

    return until


@pytest.fixture(scope="session")
def _memory(tmp_path_factory):
    shared = Path("/dev/shm")
    base = shared if os.access(shared, os.W_OK) else tmp_path_factory.getbasetemp()
    folder = Path(tempfile.mkdtemp(dir=base, prefix="ollama_nb_"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def tmp_path(_memory):
    """Where fsync costs nothing, if the system has such a place."""
    folder = Path(tempfile.mkdtemp(dir=_memory))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def puller(tmp_path):
    """An empty store and a client that tries again at once."""
    return Puller(tmp_path / "models")


@pytest.fixture
def hasty(puller, proxy, monkeypatch):
    """The same store and a client with little patience, whose time passes while the proxy waits."""
    only_pauses_count(monkeypatch, proxy)
    return Puller(puller.root, patience=HASTY)


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """A home without a key."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    return home


@pytest.fixture(scope="session")
def children(tmp_path_factory):
    """Pulls in processes of their own."""
    with Children(tmp_path_factory.mktemp("children")) as children:
        yield children
