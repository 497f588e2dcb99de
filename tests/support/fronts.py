"""The three ways to one contract: in the kernel, inside jupyter-server, on a port of its own.

A pytest plugin (see ``tests/conftest.py``), so that every folder of tests shares the two servers.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from gguf_writer import tiny_llama, u32
from model_files import endless_weights, write_model
from registry import running_registry
from servers import BEARER, jupyter_server, standalone_server

KINDS = ("kernel", "mounted", "standalone")
_PATIENCE = 180
_IN_KERNEL = "http://kernel"
_MOUNT = "/ollama"


@pytest.fixture(scope="session")
def stocked(tmp_path_factory):
    """A store with a model that never stops and one that only embeds, above the built-in one.

    Neither has a template, so neither knows tools, thinking or gaps.
    """
    path = tmp_path_factory.mktemp("stocked")
    write_model(path, "endless", weights=endless_weights(32_768))
    embedder = tiny_llama().put("llama.pooling_type", u32(1)).encode()
    write_model(path, "embedder", weights=embedder)
    return path


@pytest.fixture(scope="session")
def create_root(tmp_path_factory):
    """The folder below which create may read a Modelfile by its path, on every front."""
    return tmp_path_factory.mktemp("modelfiles")


@pytest.fixture(scope="session")
def jupyter(tmp_path_factory, stocked, create_root):
    """A jupyter-server that found the extension by itself."""
    root = tmp_path_factory.mktemp("jupyter")
    with jupyter_server(root, stocked, OLLAMA_NB_CREATE_ROOT=str(create_root)) as server:
        yield server


@pytest.fixture(scope="session")
def standalone(tmp_path_factory, stocked, create_root):
    """A standalone server without a token."""
    root = tmp_path_factory.mktemp("standalone")
    with standalone_server(root, stocked, OLLAMA_NB_CREATE_ROOT=str(create_root)) as server:
        yield server


@pytest.fixture(scope="session")
def kernel(tmp_path_factory, stocked, create_root):
    """The service of a kernel."""
    root = tmp_path_factory.mktemp("kernel")
    service = _service(root, stocked, OLLAMA_NB_CREATE_ROOT=str(create_root))
    yield service
    service.close()


@pytest.fixture(params=KINDS)
def front(request):
    """An HTTP client to the contract's root, whichever way it goes."""
    fixture = {"mounted": "jupyter"}.get(request.param, request.param)
    with _client(request.param, request.getfixturevalue(fixture)) as client:
        yield client


@pytest.fixture(scope="session")
def registry(tmp_path_factory):
    """A docker-registry that asks nobody for a token."""
    with running_registry(tmp_path_factory.mktemp("registry")) as registry:
        yield registry


@contextmanager
def own_front(
    kind: str, root: Path, models: Path, **settings: str
) -> Iterator[tuple[httpx.Client, int]]:
    """A client to a front that nobody shares, and the process whose children the models are."""
    if kind == "kernel":
        service = _service(root, models, OLLAMA_NB_ENGINE="worker", **settings)
        try:
            with _client(kind, service) as client:
                yield client, os.getpid()
        finally:
            service.close()
        return
    serve = jupyter_server if kind == "mounted" else standalone_server
    with serve(root, models, **settings) as server, _client(kind, server) as client:
        yield client, server.process.pid


def _service(root: Path, models: Path, **settings: str):
    # Imported when it is needed: most tests come without it.
    from ollama_nb.service import Service
    from ollama_nb.settings import Settings

    places = {"OLLAMA_MODELS": str(models), "OLLAMA_NB_CACHE": str(root / "cache")}
    return Service(Settings.from_environment(places | {"OLLAMA_NUM_PARALLEL": "1"} | settings))


def _client(kind, front):
    if kind == "kernel":
        from ollama_nb.client import KernelTransport

        wire = KernelTransport(front)
        return httpx.Client(transport=wire, base_url=_IN_KERNEL, timeout=None)
    # Reading the certificates, which no test needs, takes longer than most tests.
    mount, headers = (_MOUNT, BEARER) if kind == "mounted" else ("", {})
    url = front.url + mount
    return httpx.Client(base_url=url, headers=headers, timeout=_PATIENCE, verify=False)
