"""LoRA adapters on the real engine: they change what a model says, on both hosts."""

import queue

import numpy as np
import pytest
from embed_requests import Embedding
from model_files import endless_weights
from tiny_lora import ATTENTION, FEED_FORWARD, adapter

from ollama_nb.engine.local import LocalHost
from ollama_nb.engine.sequence import SequenceRequest
from ollama_nb.engine.spec import Beside, load_spec
from ollama_nb.engine.trial import TrialHost
from ollama_nb.engine.worker import WorkerHost
from ollama_nb.errors import LoadFailed
from ollama_nb.gguf import check_model
from ollama_nb.settings import Settings
from ollama_nb.wire import Options

TEXT = "The quick brown fox"
FILES = {
    "attention": adapter(ATTENTION, seed=1),
    "feed_forward": adapter(FEED_FORWARD, seed=2),
    "nothing": adapter(ATTENTION, scale=0.0),
    "wider": adapter({"blk.0.attn_q.weight": (128, 128)}),
    "deeper": adapter({"blk.9.attn_q.weight": (64, 64)}),
}
HOSTS = pytest.mark.parametrize("host", [LocalHost, WorkerHost], ids=["local", "worker"])


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("adapters")
    (folder / "model.gguf").write_bytes(endless_weights())
    for name, file in FILES.items():
        (folder / f"{name}.gguf").write_bytes(file.encode())
    return folder


@pytest.fixture(scope="module")
def spec_with(files):
    def spec_with(*names):
        path = files / "model.gguf"
        beside = Beside(adapters=tuple(files / f"{name}.gguf" for name in names))
        return load_spec(path, check_model(path), Options(), Settings(num_parallel=2), beside)

    return spec_with


@pytest.fixture
def load(spec_with):
    """Load the model with adapters by name."""
    runners = []

    def load(*names, host=LocalHost):
        runners.append(host().load(spec_with(*names)))
        return runners[-1]

    yield load
    for runner in runners:
        runner.close()


@pytest.fixture(scope="module")
def bare(spec_with):
    """What the model says without any adapter."""
    runner = LocalHost().load(spec_with())
    yield likeliest(runner)
    runner.close()


def likeliest(runner, text=TEXT):
    """The likeliest tokens after a text, with the logarithms of their probabilities."""
    events = queue.SimpleQueue()
    request = SequenceRequest(
        tokens=tuple(runner.tokenize([text], start=True)),
        options=Options(temperature=0), num_predict=1, num_keep=0, top_logprobs=20,
    )  # fmt: skip
    runner.submit(request, events.put)
    told = []
    while True:
        event = events.get(timeout=180)
        if isinstance(event, Exception):
            raise event
        told += event.logprobs
        if event.done:
            return dict(told[0].top)


def differ(first, second):
    """By far more than numbers do that were added in another order."""
    if first.keys() != second.keys():
        return True
    return max(abs(first[token] - second[token]) for token in first) > 1e-2


@HOSTS
def test_an_adapter_changes_what_comes_out(load, bare, host):
    assert differ(likeliest(load("attention", host=host)), bare)
    assert differ(likeliest(load("feed_forward", host=host)), bare)


@HOSTS
def test_two_adapters_are_laid_over_each_other(load, host):
    first, second = likeliest(load("attention")), likeliest(load("feed_forward"))
    both = likeliest(load("attention", "feed_forward", host=host))
    assert differ(both, first)
    assert differ(both, second)
    assert not differ(both, likeliest(load("feed_forward", "attention")))


@HOSTS
def test_an_adapter_of_zeros_changes_nothing(load, bare, host):
    assert not differ(likeliest(load("nothing", host=host)), bare)
    assert differ(likeliest(load("nothing", "attention", host=host)), bare)


def test_a_model_with_an_adapter_says_the_same_again(load):
    runner = load("attention")
    assert likeliest(runner) == pytest.approx(likeliest(runner), abs=1e-3)


@HOSTS
def test_an_adapter_changes_vectors_too(load, host):
    tokens = [list(range(5, 25))]
    bare = Embedding(load(host=host), tokens).finish()
    adapted = Embedding(load("attention", host=host), tokens).finish()
    assert bare.shape == adapted.shape
    assert np.abs(bare - adapted).max() > 1e-2
    zeros = Embedding(load("nothing", host=host), tokens).finish()
    assert zeros == pytest.approx(bare, abs=1e-3)


@HOSTS
@pytest.mark.parametrize("name", ["wider", "deeper"])
def test_an_adapter_of_another_model_is_refused_by_its_name(load, host, name):
    with pytest.raises(LoadFailed, match=rf"^failed to load model: {name}\.gguf: "):
        load("attention", name, host=host)
    assert not differ(likeliest(load(host=host)), likeliest(load("nothing")))


def test_a_new_adapter_is_another_trial(spec_with, tmp_path):
    tried = []

    class Counting(WorkerHost):
        def load(self, spec):
            tried.append(spec.adapters)
            return super().load(spec)

    host = TrialHost(LocalHost(), Counting(), remembered=tmp_path / "marks", trusted=tmp_path)
    for names in ((), ("attention",), ("attention",), ("attention", "nothing")):
        host.load(spec_with(*names)).close()
    assert [len(adapters) for adapters in tried] == [0, 1, 2]
