"""Real registries, open and guarded, and what stands between them and a client."""

import time
from itertools import count

import pytest
from fault_proxy import FaultProxy
from guarded import guarded_registry
from plain_client import PlainClient
from registry import running_registry

_PATIENCE = 20
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
