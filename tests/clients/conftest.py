"""Servers that other people's clients talk to, with a store of their own."""

import pytest
from gguf_writer import tiny_llama, u32
from model_files import endless_weights, write_model
from registry import running_registry
from servers import TOKEN, jupyter_server, standalone_server


@pytest.fixture(scope="session")
def stocked(tmp_path_factory):
    """A store with a model that never stops and one that only embeds, above the built-in one."""
    path = tmp_path_factory.mktemp("stocked")
    write_model(path, "endless", weights=endless_weights(32_768))
    embedder = tiny_llama().put("llama.pooling_type", u32(1)).encode()
    write_model(path, "embedder", weights=embedder)
    return path


@pytest.fixture(scope="session")
def mounted(tmp_path_factory, stocked):
    """A jupyter-server below a base URL, with a token."""
    with jupyter_server(tmp_path_factory.mktemp("jupyter"), stocked) as server:
        yield server


@pytest.fixture(scope="session")
def standalone(tmp_path_factory, stocked):
    """A standalone server without a token."""
    with standalone_server(tmp_path_factory.mktemp("standalone"), stocked) as server:
        yield server


@pytest.fixture(scope="session")
def registry(tmp_path_factory):
    """A docker-registry that asks nobody for a token."""
    with running_registry(tmp_path_factory.mktemp("registry")) as registry:
        yield registry


@pytest.fixture(params=["mounted", "standalone"])
def address(request):
    """Where a client finds Ollama's API, on either server, and the token that it sends."""
    server = request.getfixturevalue(request.param)
    return (f"{server.url}/ollama", TOKEN) if request.param == "mounted" else (server.url, "none")
