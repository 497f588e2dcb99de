"""Both official clients for Python: in the kernel, in jupyter-server, on a port of its own."""

import secrets
from dataclasses import replace

import ollama
import pytest
from driven_client import DrivenClient
from servers import TOKEN

from ollama_nb.client import AsyncClient, AsyncKernelTransport, Client, KernelTransport
from ollama_nb.service import Service
from ollama_nb.settings import Settings


@pytest.fixture(scope="module")
def kernel(stocked):
    """The service of a kernel."""
    service = Service(replace(Settings.from_environment({}), models=stocked))
    yield service
    service.close()


@pytest.fixture(params=["waiting", "awaited"])
def awaited(request):
    """Which of the two official clients."""
    return request.param == "awaited"


@pytest.fixture(params=["kernel", "mounted", "standalone"])
def client(request, awaited, monkeypatch):
    """An official client, configured as its documents say."""
    if request.param == "kernel":
        service = request.getfixturevalue("kernel")
        if awaited:
            client = AsyncClient(transport=AsyncKernelTransport(service))
        else:
            client = Client(transport=KernelTransport(service))
    else:
        server = request.getfixturevalue(request.param)
        monkeypatch.setenv("OLLAMA_API_KEY", TOKEN)
        path = "/ollama" if request.param == "mounted" else ""
        client = (ollama.AsyncClient if awaited else ollama.Client)(server.url + path)
    with DrivenClient(client) if awaited else client as client:
        yield client


@pytest.fixture
def name(client):
    """A name for a new model, which is gone afterwards."""
    name = f"m{secrets.token_hex(4)}:latest"
    yield name
    if name in [model.model for model in client.list().models]:
        client.delete(name)
