"""Which models are loaded and for how long, on a host that loads nothing."""

import threading
import time
from types import SimpleNamespace

import pytest

from ollama_nb.engine.scheduler import Scheduler
from ollama_nb.errors import Busy, EngineError
from ollama_nb.settings import Settings
from ollama_nb.wire import Options

SECOND = 1_000_000_000


class FakeRunner:
    def __init__(self, parting):
        self.alive, self.freed = True, False
        self._parting = parting

    def close(self):
        self.alive = False
        assert self._parting.wait(180)
        self.freed = True


class FakeHost:
    """Counts loads; ``gate`` holds them up, ``parting`` the ends."""

    def __init__(self):
        self.parting = threading.Event()
        self.parting.set()
        self.specs = []
        self.runners = []
        self.gate = threading.Event()
        self.gate.set()

    def load(self, spec):
        assert self.gate.wait(180)
        self.specs.append(spec)
        self.runners.append(FakeRunner(self.parting))
        return self.runners[-1]


@pytest.fixture
def host():
    return FakeHost()


@pytest.fixture
def make(host):
    made = []

    def make(**settings):
        made.append(Scheduler(host, Settings(**settings)))
        return made[-1]

    yield make
    for scheduler in made:
        scheduler.close()


def model(tmp_path, name, guide):
    """The guide's header under another file name."""
    return SimpleNamespace(
        weights=tmp_path / name, header=guide.header, name=name, projector=None, adapters=()
    )


def wait_until(condition, seconds=180):
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.005)
    assert condition()


def test_a_second_request_uses_what_is_loaded(make, host, guide):
    scheduler = make()
    first = scheduler.acquire(guide, Options(), None)
    second = scheduler.acquire(guide, Options(temperature=0.1), None)
    assert first.runner is second.runner
    assert len(host.specs) == 1


def test_other_load_options_reload_when_the_first_user_is_done(make, host, guide):
    scheduler = make()
    lease = scheduler.acquire(guide, Options(num_ctx=512), None)
    threading.Timer(0.1, lease.release).start()
    second = scheduler.acquire(guide, Options(num_ctx=1024), None)
    assert not lease.runner.alive
    assert second.window == 1024
    assert [one.spec.window for one in scheduler.loaded()] == [1024]


def test_a_smaller_window_fits_into_a_larger_one_that_is_loaded(make, host, guide):
    scheduler = make()
    large = scheduler.acquire(guide, Options(num_ctx=1024), None)
    small = scheduler.acquire(guide, Options(num_ctx=512), None)
    assert small.runner is large.runner
    assert (large.window, small.window) == (1024, 512)
    assert [one.spec.window for one in scheduler.loaded()] == [1024]
    assert len(host.specs) == 1


def test_keep_alive_zero_unloads_after_the_last_use(make, guide):
    scheduler = make()
    lease = scheduler.acquire(guide, Options(), 0)
    assert len(scheduler.loaded()) == 1
    lease.release()
    wait_until(lambda: not scheduler.loaded())
    assert not lease.runner.alive


def test_the_timer_runs_from_the_end_of_the_last_use(make, guide):
    scheduler = make()
    lease = scheduler.acquire(guide, Options(), SECOND // 5)
    time.sleep(0.3)
    (loaded,) = scheduler.loaded()
    before = time.time_ns()
    lease.release()
    assert loaded.expires_ns >= before + SECOND // 5
    wait_until(lambda: not scheduler.loaded())


def test_a_request_without_keep_alive_leaves_the_models_own(make, guide):
    scheduler = make()
    scheduler.acquire(guide, Options(), 600 * SECOND).release()
    before = time.time_ns()
    scheduler.acquire(guide, Options(), None).release()
    (loaded,) = scheduler.loaded()
    assert loaded.expires_ns >= before + 600 * SECOND


def test_releasing_twice_counts_once(make, guide):
    scheduler = make()
    first = scheduler.acquire(guide, Options(), 0)
    scheduler.acquire(guide, Options(), 0)
    first.release()
    first.release()
    time.sleep(0.05)
    assert scheduler.loaded()


def test_one_model_too_many_evicts_the_idle_one_with_the_shortest_keep_alive(
    make, host, guide, tmp_path
):
    scheduler = make(max_loaded_models=2)
    scheduler.acquire(model(tmp_path, "long", guide), Options(), 900 * SECOND).release()
    scheduler.acquire(model(tmp_path, "short", guide), Options(), 60 * SECOND).release()
    scheduler.acquire(model(tmp_path, "new", guide), Options(), None)
    assert sorted(one.model.name for one in scheduler.loaded()) == ["long", "new"]


def test_a_busy_model_is_evicted_only_when_its_request_has_ended(make, guide, tmp_path):
    scheduler = make(max_loaded_models=1)
    lease = scheduler.acquire(model(tmp_path, "first", guide), Options(), None)
    threading.Timer(0.1, lease.release).start()
    scheduler.acquire(model(tmp_path, "second", guide), Options(), None)
    assert not lease.runner.alive


def test_unload_waits_for_the_user_and_answers_at_once(make, guide):
    scheduler = make()
    lease = scheduler.acquire(guide, Options(), None)
    scheduler.unload(guide)
    time.sleep(0.05)
    assert lease.runner.alive
    lease.release()
    wait_until(lambda: not scheduler.loaded())


def test_the_queue_of_loads_is_bounded(make, host, guide, tmp_path):
    scheduler = make(max_queue=1)
    host.gate.clear()
    threads = [
        threading.Thread(
            target=scheduler.acquire, args=(model(tmp_path, name, guide), Options(), None)
        )
        for name in ("loading", "waiting")
    ]
    for number, thread in enumerate(threads, 1):
        thread.start()
        wait_until(lambda number=number: scheduler._loads == number)
    with pytest.raises(Busy, match=r"server busy, please try again\.  maximum pending"):
        scheduler.acquire(model(tmp_path, "third", guide), Options(), None)
    host.gate.set()
    for thread in threads:
        thread.join()


def test_the_line_in_front_of_a_loaded_model_is_bounded(make, guide):
    scheduler = make(max_queue=2, num_parallel=1)
    leases = [scheduler.acquire(guide, Options(), None) for _ in range(3)]
    with pytest.raises(Busy, match="server busy"):
        scheduler.acquire(guide, Options(), None)
    leases[0].release()
    assert scheduler.acquire(guide, Options(), None)


def test_a_model_that_finishes_loading_after_close_is_freed(make, host, guide):
    scheduler, faults = make(), []

    def acquire():
        try:
            scheduler.acquire(guide, Options(), None)
        except EngineError as error:
            faults.append(error)

    host.gate.clear()
    thread = threading.Thread(target=acquire)
    thread.start()
    wait_until(lambda: scheduler._loads == 1)
    scheduler.close()
    host.gate.set()
    thread.join()
    assert len(faults) == 1
    assert not any(runner.alive for runner in host.runners)


def test_a_dead_runner_is_replaced(make, host, guide):
    scheduler = make()
    lease = scheduler.acquire(guide, Options(), None)
    lease.release()
    lease.runner.close()
    assert scheduler.acquire(guide, Options(), None).runner.alive
    assert len(host.specs) == 2


def test_a_dead_model_is_not_told_of_and_is_the_first_to_make_room(make, host, guide, tmp_path):
    scheduler = make(max_loaded_models=2)
    living = scheduler.acquire(model(tmp_path, "living", guide), Options(), 60 * SECOND)
    dead = scheduler.acquire(model(tmp_path, "dead", guide), Options(), 900 * SECOND)
    living.release()
    dead.release()
    dead.runner.alive = False
    assert [one.model.name for one in scheduler.loaded()] == ["living"]
    scheduler.acquire(model(tmp_path, "new", guide), Options(), None)
    assert living.runner.alive
    assert sorted(one.model.name for one in scheduler.loaded()) == ["living", "new"]


def test_memory_is_looked_at_when_what_has_expired_is_freed(
    make, host, guide, tmp_path, monkeypatch
):
    scheduler = make()
    first = scheduler.acquire(model(tmp_path, "first", guide), Options(), 0)
    monkeypatch.setattr(
        "ollama_nb.engine.memory.available", lambda: 1 << 34 if first.runner.freed else 1 << 20
    )
    host.parting.clear()
    first.release()
    wait_until(lambda: not first.runner.alive)
    threading.Timer(0.1, host.parting.set).start()
    assert scheduler.acquire(guide, Options(), None).runner.alive


def test_a_closed_scheduler_loads_nothing_more(make, guide):
    scheduler = make()
    lease = scheduler.acquire(guide, Options(), None)
    scheduler.close()
    assert not lease.runner.alive
    with pytest.raises(EngineError, match="closed"):
        scheduler.acquire(guide, Options(), None)


def test_a_model_larger_than_memory_is_refused_with_figures(make, host, guide, monkeypatch):
    monkeypatch.setattr("ollama_nb.engine.memory.available", lambda: 1 << 20)
    with pytest.raises(EngineError, match=r"requires more system memory .* num_ctx"):
        make().acquire(guide, Options(), None)
    assert not host.specs


def test_idle_models_make_room_where_memory_does_not_suffice(
    make, host, guide, tmp_path, monkeypatch
):
    scheduler = make()
    idle = scheduler.acquire(model(tmp_path, "idle", guide), Options(), None)
    busy = scheduler.acquire(model(tmp_path, "busy", guide), Options(), None)
    idle.release()
    free = iter([1 << 20, 1 << 34])
    monkeypatch.setattr("ollama_nb.engine.memory.available", lambda: next(free))
    assert scheduler.acquire(guide, Options(), None).runner.alive
    assert busy.runner.alive
    assert not idle.runner.alive
