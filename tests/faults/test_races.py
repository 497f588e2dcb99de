"""Loads, unloads and answers at the same time: every stream ends once, and ps tells the truth."""

import random
import threading
import time
from dataclasses import replace

import pytest

from ollama_nb.errors import OllamaError
from ollama_nb.service import Service
from ollama_nb.wire import Options

pytestmark = pytest.mark.native

PATIENCE = 600
ROUNDS = 100
ENDLESS = {"model": "endless", "options": {"num_predict": 10**6, "temperature": 1.5}}


on_both_hosts = pytest.mark.parametrize("engine", ["local", "worker"])


@pytest.fixture
def engine():
    """Where models live, in tests that do not ask for both."""
    return "local"


@pytest.fixture
def service(engine, settings):
    service = Service(replace(settings, engine=engine, max_loaded_models=2))
    yield service
    service.close()


@pytest.fixture
def generate(service, make_request):
    return lambda **fields: service.generate(make_request(**fields))


@pytest.fixture
def names(service):
    """The loaded models, as ps tells."""
    return lambda: sorted(one.name for one in service.ps().models)


@pytest.fixture
def at_rest(service, until):
    """Wait until nobody borrows or loads anything; whether that comes to pass."""

    def resting():
        scheduler = service.scheduler
        return not scheduler._loads and not any(one.leases for one in scheduler.loaded())

    return lambda: until(resting)


def ends_of(stream, cancel_after=None):
    """Consume a stream: a list of its ends and errors."""
    ends = []
    try:
        for count, chunk in enumerate(stream):
            if count == cancel_after:
                stream.cancel()
            if chunk.done:
                ends.append(chunk.done_reason)
    except OllamaError as error:
        ends.append(error)
    return ends


def together(*works):
    """Do all of this at once; what each came to."""
    start = threading.Barrier(len(works))
    results = [None] * len(works)

    def one(number, work):
        start.wait(PATIENCE)
        try:
            results[number] = work()
        except BaseException as error:  # noqa: BLE001 - the test looks at it
            results[number] = error

    threads = [threading.Thread(target=one, args=each, daemon=True) for each in enumerate(works)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert not any(thread.is_alive() for thread in threads)
    return results


@on_both_hosts
def test_unloading_waits_for_the_answer_under_way(generate, names, until, at_rest):
    stream = generate(**ENDLESS)
    next(iter(stream))
    assert ends_of(generate(model="endless", prompt="", keep_alive=0)) == ["unload"]
    assert names() == ["endless:latest"]
    assert ends_of(stream, cancel_after=3) == ["cancelled"]
    assert until(lambda: not names())
    assert at_rest()


@on_both_hosts
def test_two_requests_for_the_same_cold_model_load_it_once(service, generate, names, monkeypatch):
    loads = []
    load = service.scheduler._host.load
    monkeypatch.setattr(service.scheduler._host, "load", lambda spec: loads.append(1) or load(spec))
    ends = together(*[lambda: ends_of(generate(options={"num_predict": 3}))] * 4)
    assert ends == [["length"]] * 4
    assert names() == ["guide:latest"]
    assert len(loads) == 1


def test_requests_for_two_cold_models_at_once(generate, names):
    def ask(model):
        return lambda: ends_of(generate(model=model, options={"num_predict": 3}))

    assert together(ask("guide"), ask("tiny"), ask("guide"), ask("tiny")) == [["length"]] * 4
    assert names() == ["guide:latest", "tiny:latest"]


def test_more_models_at_once_than_may_be_loaded(generate, names, at_rest):
    def ask(model):
        return lambda: ends_of(generate(model=model, options={"num_predict": 3}))

    assert together(*map(ask, ["guide", "tiny", "endless"] * 2)) == [["length"]] * 6
    assert at_rest()
    assert len(names()) <= 2


def test_shapes_of_one_model_take_turns(generate, at_rest, service):
    def ask(window):
        return lambda: ends_of(generate(options={"num_predict": 3, "num_ctx": window}))

    assert together(*map(ask, [256, 512, 1024] * 2)) == [["length"]] * 6
    assert at_rest()
    (loaded,) = service.ps().models
    assert loaded.context_length in (256, 512, 1024)


def test_a_shape_that_is_waited_for_is_not_overtaken_for_ever(service, until):
    scheduler, tiny = service.scheduler, service.store.find("tiny")
    leases = [scheduler.acquire(tiny, Options(num_batch=64), None)]

    def borrow(size):
        leases.append(scheduler.acquire(tiny, Options(num_batch=size), None))

    threads = [threading.Thread(target=borrow, args=[size], daemon=True) for size in (128, 64)]
    threads[0].start()
    assert until(lambda: scheduler._loads == 1)
    threads[1].start()
    threads[1].join(1)
    overtaken = not threads[1].is_alive()
    for thread in threads:
        until(lambda thread=thread: [lease.release() for lease in leases] and not thread.is_alive())
    assert not overtaken


@on_both_hosts
def test_keep_alive_zero_races_with_the_next_request(generate, until, names, answers, service):
    def one_after_another(keep_alive):
        def work():
            short = {"num_predict": 1}
            return [ends_of(generate(keep_alive=keep_alive, options=short)) for _ in range(12)]

        return work

    assert together(one_after_another(0), one_after_another(None)) == [[["length"]] * 12] * 2
    assert ends_of(generate(prompt="", keep_alive=0)) == ["unload"]
    assert until(lambda: not names())
    assert answers(service)


@on_both_hosts
def test_closing_in_the_middle_ends_every_stream_once(generate, service, names):
    streams = [generate(**ENDLESS) for _ in range(6)]
    next(iter(streams[0]))
    ends = together(*[lambda one=one: ends_of(one) for one in streams], service.close)[:-1]
    assert [len(each) for each in ends] == [1] * 6
    assert all(isinstance(end, OllamaError) for (end,) in ends)
    assert not names()
    with pytest.raises(OllamaError, match="closed"):
        generate()


class Somebody:
    """Draws what to do next with models, and does it."""

    MODELS = ("guide", "guide:think", "tiny", "endless")
    DEEDS = ("answer", "answer", "cancel", "load", "unload", "look")

    def __init__(self, service, make_request):
        self.service, self.make_request = service, make_request
        self.streams = []

    def follow(self, fields, cancel_after=None):
        stream = self.service.generate(self.make_request(**fields))
        self.streams.append(stream)
        return ends_of(stream, cancel_after)

    def look(self):
        return [type(self.service.ps()).__name__]

    def draw(self, draw):
        """Something to do, after a pause."""
        options = {"num_predict": draw.randrange(8), "seed": draw.randrange(9)}
        if draw.random() < 0.2:
            options["num_ctx"] = draw.choice([256, 512, 2048])
        keep_alive = draw.choice([None, 0, "1ms", "5m", -1])
        fields = {"model": draw.choice(self.MODELS), "keep_alive": keep_alive, "options": options}
        deed, pause = draw.choice(self.DEEDS), draw.uniform(0, 0.02)
        if deed == "cancel":
            fields |= ENDLESS
        if deed in ("load", "unload"):
            fields["prompt"] = ""
        if deed == "unload":
            fields["keep_alive"] = 0
        cancel_after = draw.randrange(4) if deed == "cancel" else None

        def do():
            time.sleep(pause)
            return self.look() if deed == "look" else self.follow(fields, cancel_after)

        return do


def test_a_hundred_random_interleavings(service, make_request, until, answers, at_rest):
    somebody = Somebody(service, make_request)
    for seed in range(ROUNDS):
        draw = random.Random(seed)
        for ends in together(*[somebody.draw(draw) for _ in range(4)]):
            assert isinstance(ends, list), (seed, ends)
            assert [type(end) for end in ends] == [str], (seed, ends)
        assert len(service.scheduler._loaded) <= 2, seed
    assert at_rest()
    assert all(stream._mail.empty() for stream in somebody.streams)
    for loaded in service.scheduler.loaded():
        assert loaded.runner.alive
        assert not loaded.runner._known
    assert answers(service)
    for model in ("guide", "tiny", "endless"):
        somebody.follow({"model": model, "prompt": "", "keep_alive": 0})
    assert until(lambda: not service.ps().models)
    assert answers(service)
