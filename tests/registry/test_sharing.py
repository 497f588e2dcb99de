"""One download for everybody who needs it: threads of a process, and processes of a machine."""

import random
import signal
import threading

import pytest
from plain_client import digest_of
from pulls import QUICK, Puller, Told
from wire_faults import Delay, Say, Stall, Throttle

from ollama_nb.errors import Cancelled, OllamaError, RegistryError

WEIGHTS = random.Random(4).randbytes(350_000)
DIGEST = digest_of(WEIGHTS)


@pytest.fixture
def names(plain, proxy, repository):
    """Two models that share their weights."""
    for number in (1, 2):
        plain.push_model(f"{repository}{number}:latest", model=WEIGHTS, system=b"%d" % number)
    return [f"{proxy.host}/{repository}{number}:latest" for number in (1, 2)]


class Thread(threading.Thread):
    """A pull on a thread."""

    def __init__(self, puller, name):
        super().__init__(target=self._pull, args=(puller, name))
        self.told, self.stop, self.error = Told(), threading.Event(), None
        self.start()

    def _pull(self, puller, name):
        try:
            puller.pull(name, told=self.told, stop=self.stop)
        except OllamaError as error:
            self.error = error

    def end(self):
        self.join(20)
        assert not self.is_alive()
        return self.error


def test_two_threads_share_one_download(puller, proxy, names, until):
    proxy.on(DIGEST, Throttle(1_000_000))
    first = Thread(puller, names[0])
    assert until(lambda: max(first.told.completed(DIGEST), default=0) > 30_000)
    second = Thread(puller, names[1])
    assert first.end() is None
    assert second.end() is None
    assert proxy.served(DIGEST) == len(WEIGHTS)
    assert second.told.completed(DIGEST)[0] >= 30_000
    assert first.told.statuses[-1] == second.told.statuses[-1] == "success"
    assert first.told.monotone
    assert second.told.monotone
    puller.check()


def test_the_first_may_leave_while_another_listens(puller, proxy, names, until):
    rule = proxy.on(DIGEST, Stall(50_000))
    first = Thread(puller, names[0])
    assert until(lambda: max(first.told.completed(DIGEST), default=0) >= 50_000)
    second = Thread(puller, names[1])
    assert until(lambda: second.told.completed(DIGEST))
    first.stop.set()
    assert isinstance(first.end(), Cancelled)
    rule.times = rule.hits
    assert second.end() is None
    puller.check()


def test_when_the_last_one_leaves_nothing_goes_on(puller, proxy, names, until):
    proxy.on(DIGEST, Throttle(50_000))
    threads = [Thread(puller, name) for name in names]
    assert until(lambda: all(thread.told.completed(DIGEST) for thread in threads))
    for thread in threads:
        thread.stop.set()
    assert [type(thread.end()) for thread in threads] == [Cancelled, Cancelled]
    assert until(lambda: not [one for one in threading.enumerate() if "fetch" in one.name])
    proxy.forget()
    puller.pull(names[0])
    assert proxy.served(DIGEST) < len(WEIGHTS)
    puller.check()


def test_what_fails_for_one_is_tried_by_the_other(puller, proxy, names, until):
    """The first has no access to the blob in its repository."""
    mine, other = (name.split("/", 1)[1].partition(":")[0] for name in names)
    proxy.on(f"{mine}/blobs/{DIGEST}", Delay(0.3), Say(403))
    proxy.on(f"{other}/manifests", Stall(0, 0.05))
    threads = [Thread(puller, name) for name in names]
    assert isinstance(threads[0].end(), RegistryError)
    assert threads[1].end() is None
    assert until(lambda: not puller.partials())
    assert puller.blob(DIGEST).read_bytes() == WEIGHTS


@pytest.mark.parametrize("number", [2, 5])
def test_processes_share_one_download(puller, proxy, names, children, number):
    proxy.on(DIGEST, Throttle(500_000))
    pulls = [children.start(puller, names[each % 2]) for each in range(number)]
    for pull in pulls:
        code, told = pull.wait()
        assert code == 0
        assert told[-1]["status"] == "success"
    assert proxy.served(DIGEST) == len(WEIGHTS)
    puller.check()


def test_a_dead_owner_is_followed_by_who_waits(tmp_path, proxy, names, children, until):
    puller = Puller(tmp_path / "models", patience=QUICK)
    proxy.on(DIGEST, Throttle(30_000))
    owner = children.start(puller, names[0])
    assert until(lambda: puller.partials())
    waiting = Thread(puller, names[1])
    words = f"waiting for another process to pull {DIGEST[7:19]}"
    assert until(lambda: words in waiting.told.statuses)
    assert until(lambda: max(waiting.told.completed(DIGEST)) > 0)
    proxy.rules.clear()
    owner.signal(signal.SIGKILL)
    assert waiting.end() is None
    assert [line.status for line in waiting.told.lines].count(words) == 1
    assert waiting.told.monotone
    assert owner.wait()[0] == -signal.SIGKILL
    puller.check(broken=True)
    puller.store.prune()
    puller.check()


def test_a_stopped_owner_is_waited_for_until_told_otherwise(puller, proxy, names, children, until):
    proxy.on(DIGEST, Throttle(100_000))
    owner = children.start(puller, names[0])
    assert until(lambda: puller.partials())
    owner.signal(signal.SIGSTOP)
    waiting = Thread(puller, names[1])
    assert until(lambda: waiting.told.completed(DIGEST))
    waiting.stop.set()
    assert isinstance(waiting.end(), Cancelled)
    proxy.rules.clear()
    owner.signal(signal.SIGCONT)
    assert owner.wait()[0] == 0
    puller.check()
