"""The three ways to one contract: in the kernel, inside jupyter-server, on a port of its own."""

from dataclasses import replace

import httpx
import pytest
from gguf_writer import tiny_llama, u32
from model_files import endless_weights, write_model
from registry import running_registry
from servers import BEARER, jupyter_server, standalone_server

from ollama_nb.client import KernelTransport
from ollama_nb.service import Service
from ollama_nb.settings import Settings


@pytest.fixture(scope="session")
def stocked(tmp_path_factory):
    """A store with a model that never stops and one that only embeds, above the built-in one."""
    path = tmp_path_factory.mktemp("stocked")
    write_model(path, "endless", weights=endless_weights(32_768))
    embedder = tiny_llama().put("llama.pooling_type", u32(1)).encode()
    write_model(path, "embedder", weights=embedder)
    return path


@pytest.fixture(scope="session")
def jupyter(tmp_path_factory, stocked):
    """A jupyter-server that found the extension by itself."""
    with jupyter_server(tmp_path_factory.mktemp("jupyter"), stocked) as server:
        yield server


@pytest.fixture(scope="session")
def standalone(tmp_path_factory, stocked):
    """A standalone server without a token."""
    with standalone_server(tmp_path_factory.mktemp("standalone"), stocked) as server:
        yield server


@pytest.fixture(scope="session")
def kernel(stocked):
    """The service of a kernel."""
    service = Service(replace(Settings.from_environment({}), models=stocked))
    yield service
    service.close()


@pytest.fixture(params=["kernel", "mounted", "standalone"])
def front(request):
    """An HTTP client to the contract's root, whichever way it goes."""
    match request.param:
        case "kernel":
            service = request.getfixturevalue("kernel")
            client = httpx.Client(transport=KernelTransport(service), base_url="http://kernel")
        case "mounted":
            url = request.getfixturevalue("jupyter").url + "/ollama"
            client = httpx.Client(base_url=url, headers=BEARER, timeout=60)
        case _:
            url = request.getfixturevalue("standalone").url
            client = httpx.Client(base_url=url, timeout=60)
    with client:
        yield client


@pytest.fixture(scope="session")
def registry(tmp_path_factory):
    """A docker-registry that asks nobody for a token."""
    with running_registry(tmp_path_factory.mktemp("registry")) as registry:
        yield registry
