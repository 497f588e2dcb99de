"""What the fault tests share: stocked stores, services on either host, and patience."""

import os
import resource
import sys
import time
from dataclasses import replace

import psutil
import pytest
from endless_guide import add_endless_guide
from model_files import endless_weights, write_model

from ollama_nb.service import Service
from ollama_nb.settings import Settings
from ollama_nb.wire import GenerateRequest

PATIENCE = 300
QUESTION = "How do I pull a model?"


@pytest.fixture(scope="session")
def stocked(tmp_path_factory):
    """A store with the guide that never ends and a tiny model, above the built-in one."""
    path = tmp_path_factory.mktemp("stocked")
    add_endless_guide(path)
    write_model(path, "tiny", weights=endless_weights())
    return path


@pytest.fixture(scope="session")
def settings(stocked, tmp_path_factory):
    """Settings of a kernel on that store; what has been tried there is remembered."""
    cache = tmp_path_factory.mktemp("tried")
    return replace(Settings.from_environment({}), models=stocked, cache=cache, num_parallel=4)


@pytest.fixture(scope="module", params=["local", "worker"])
def either(request, settings):
    """A service whose models live here, and one whose models live in children."""
    service = Service(replace(settings, engine=request.param))
    yield service
    service.close()


@pytest.fixture(scope="session")
def make_request():
    """A generate request; what is left out asks the guide its question."""

    def make(**fields):
        return GenerateRequest(**({"model": "guide", "prompt": QUESTION} | fields))

    return make


@pytest.fixture(scope="session")
def answers(make_request):
    """Whether a service answers the question as it should."""

    def answers(service):
        request = make_request(options={"temperature": 0})
        return "%ollama pull" in service.generate(request).fold().response

    return answers


@pytest.fixture(scope="session")
def until():
    """Wait for a condition, for as long as a slow machine may need."""

    def until(condition, patience=PATIENCE):
        end = time.monotonic() + patience
        while not condition() and time.monotonic() < end:
            time.sleep(0.005)
        return condition()

    return until


@pytest.fixture(scope="session")
def gone(until):
    """Whether the process of this number ends; one that nobody has waited for counts as gone."""

    def ended(number):
        try:
            return psutil.Process(number).status() == psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return True

    return lambda number: until(lambda: ended(number))


@pytest.fixture
def cores():
    """Let children dump core, as far as this machine allows it."""
    before = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (before[1], before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_CORE, before)


@pytest.fixture(scope="session")
def environment(stocked, settings, tmp_path_factory):
    """The environment of a child whose models live on this host."""
    profile = str(tmp_path_factory.mktemp("ipython"))

    def environment(engine):
        return os.environ | {
            "OLLAMA_NB_ENGINE": engine,
            "OLLAMA_NB_CACHE": str(settings.cache),
            "OLLAMA_NB_DISPLAY": "stream",
            "OLLAMA_MODELS": str(stocked),
            "IPYTHONDIR": profile,
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        }

    return environment
