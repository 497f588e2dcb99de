"""What all tests share: no user's store, no user's settings, the real engine on the guide model."""

import os
import signal

import pytest
from hypothesis import HealthCheck, settings

# How long an example takes says how busy the machine is, nothing about the software.
settings.register_profile("here", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("here")

pytest_plugins = ["fronts"]

_OURS = ("OLLAMA_NB_SCREENSHOT", "OLLAMA_NB_PULL_SCREENSHOT", "OLLAMA_NB_TEST_CACHE")
"""Where the browser tests leave their pictures, and where fetched packages are kept."""

for _name in [name for name in os.environ if name.startswith("OLLAMA_")]:
    if _name not in _OURS:
        del os.environ[_name]

# A shell has what it runs in the background ignore Ctrl-C, and children inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Tests run beside one another and the engine's threads would spin against each other's, and numpy's
# against both. Children inherit it, and it must be said before the first thread starts.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


@pytest.fixture(scope="session", autouse=True)
def models(tmp_path_factory):
    """An empty user store; the built-in one lies beneath it. Child processes inherit it."""
    path = tmp_path_factory.mktemp("models")
    os.environ["OLLAMA_MODELS"] = str(path)
    os.environ["OLLAMA_NB_CACHE"] = str(tmp_path_factory.mktemp("cache"))
    return path


@pytest.fixture(scope="session")
def minilm():
    """all-MiniLM as it was published, and what it should answer."""
    from minilm import MiniLM

    return MiniLM()


@pytest.fixture(scope="session")
def minilm_gguf(minilm, tmp_path_factory):
    """A GGUF of it, 90 MB."""
    from minilm import write_gguf

    path = tmp_path_factory.mktemp("minilm") / "minilm.gguf"
    write_gguf(minilm, path)
    return path


@pytest.fixture(scope="module")
def service(models):
    """A Service of this module's own."""
    from ollama_nb.service import Service

    service = Service()
    yield service
    service.close()
