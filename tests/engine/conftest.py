"""A runner on the guide model's weights, without the service above it."""

import itertools
import queue

import pytest
from model_files import endless_weights

from ollama_nb.engine.local import LocalHost
from ollama_nb.engine.sequence import SequenceRequest
from ollama_nb.engine.spec import load_spec
from ollama_nb.engine.worker import WorkerHost
from ollama_nb.gguf import check_model
from ollama_nb.settings import BUILTIN_MODELS, Settings
from ollama_nb.store import Store
from ollama_nb.wire import Options


@pytest.fixture(scope="session")
def guide():
    return Store([BUILTIN_MODELS]).find("guide")


@pytest.fixture(scope="session")
def make_spec(guide):
    def make(num_parallel=4, isolated=False, **options):
        return load_spec(
            guide.weights,
            guide.header,
            Options.merge(options),
            Settings(num_parallel=num_parallel, isolate_users=isolated),
        )

    return make


@pytest.fixture
def make_endless_spec(tmp_path):
    """The spec of a model that never ends by itself, in a shape of the test's own."""

    def make(name="endless.gguf", num_parallel=4, **options):
        path = tmp_path / name
        path.write_bytes(endless_weights())
        settings = Settings(num_parallel=num_parallel)
        return load_spec(path, check_model(path), Options.merge(options), settings)

    return make


@pytest.fixture
def endless(make_endless_spec):
    """Load such a model."""
    runners = []

    def load(**shape):
        runners.append(LocalHost().load(make_endless_spec(**shape)))
        return runners[-1]

    yield load
    for runner in runners:
        runner.close()


@pytest.fixture(scope="module", params=[LocalHost, WorkerHost], ids=["local", "worker"])
def runner(request, make_spec):
    runner = request.param().load(make_spec())
    yield runner
    runner.close()


_arrivals = itertools.count()


class Sequence:
    """One submitted sequence, with everything it emitted."""

    def __init__(self, runner, tokens, options=None, **limits):
        self.runner = runner
        self.events = queue.SimpleQueue()
        limits = {"num_predict": 20, "num_keep": 4} | limits
        request = SequenceRequest(
            tokens=tuple(tokens), options=Options.merge(options or {"temperature": 0}), **limits
        )
        self.number = runner.submit(request, self._take)

    def _take(self, event):
        self.arrived = next(_arrivals)
        """The number of its newest event among those of all sequences."""
        self.events.put(event)

    def next(self, timeout=180):
        event = self.events.get(timeout=timeout)
        if isinstance(event, Exception):
            raise event
        return event

    def finish(self):
        """(the whole text, the Finish)."""
        text, _, end = self.finish_told()
        return text, end

    def finish_told(self):
        """(the whole text, all log probabilities, the Finish)."""
        text, told = "", []
        while True:
            event = self.next()
            text += event.text
            told += event.logprobs
            if event.done:
                return text, told, event

    def cancel(self):
        self.runner.cancel(self.number)


@pytest.fixture
def submit(runner):
    def submit(prompt, options=None, *, on=runner, **limits):
        tokens = on.tokenize([prompt], start=True) if isinstance(prompt, str) else prompt
        return Sequence(on, tokens, options, **limits)

    return submit
