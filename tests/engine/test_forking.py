"""A fork of a process that has loaded models: it refuses and ends, whoever held a lock."""

import os
import threading

import pytest

from ollama_nb.engine.scheduler import Scheduler
from ollama_nb.errors import EngineError
from ollama_nb.settings import Settings
from ollama_nb.wire import Options


@pytest.fixture
def scheduler():
    """One whose lock another thread holds."""
    scheduler = Scheduler(host=None, settings=Settings())
    held, done = threading.Event(), threading.Event()

    def hold():
        with scheduler._lock:
            held.set()
            done.wait()

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait()
    yield scheduler
    done.set()
    holder.join()


def refused(scheduler, guide):
    """What the fork is told; it can still ask for what is loaded, unload, and close."""
    try:
        scheduler.acquire(guide, Options(), None)
    except EngineError as error:
        scheduler.unload(guide)
        loaded = scheduler.loaded()
        scheduler.close()
        return f"{error}, {loaded}"


def test_a_fork_waits_for_no_lock(scheduler, guide):
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(write, str(refused(scheduler, guide)).encode())
        finally:
            os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as told:
        assert told.read() == b"the engine does not survive a fork; start a new process, []"
    os.waitpid(child, 0)
