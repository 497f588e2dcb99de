"""One transfer for everybody who needs it: threads of a process, and processes of a machine."""

import random
import signal
import threading

import pytest
from plain_client import digest_of
from pulls import Told
from wire_faults import Hold, HoldBack, Say, Throttle

from ollama_nb.errors import Cancelled, OllamaError, RegistryError

WEIGHTS = random.Random(4).randbytes(350_000)
DIGEST = digest_of(WEIGHTS)


@pytest.fixture
def gate():
    """Holds downloads until a test opens it."""
    return threading.Event()


@pytest.fixture
def names(plain, proxy, repository):
    """Two models that share their weights."""
    for number in (1, 2):
        plain.push_model(f"{repository}{number}:latest", model=WEIGHTS, system=b"%d" % number)
    return [f"{proxy.host}/{repository}{number}:latest" for number in (1, 2)]


class Thread(threading.Thread):
    """A pull, or a push, on a thread."""

    def __init__(self, puller, name, verb="pull"):
        super().__init__(target=self._work, args=(getattr(puller, verb), name))
        self.told, self.stop, self.error = Told(), threading.Event(), None
        self.start()

    def _work(self, move, name):
        try:
            move(name, told=self.told, stop=self.stop)
        except OllamaError as error:
            self.error = error

    def end(self):
        self.join(120)
        assert not self.is_alive()
        return self.error


def test_two_threads_share_one_download(puller, proxy, names, until, gate):
    proxy.on(DIGEST, Hold(20_000, gate))
    first = Thread(puller, names[0])
    assert until(lambda: max(first.told.completed(DIGEST), default=0) > 30_000)
    second = Thread(puller, names[1])
    assert until(lambda: second.told.completed(DIGEST))
    gate.set()
    assert first.end() is None
    assert second.end() is None
    assert proxy.served(DIGEST) == len(WEIGHTS)
    assert second.told.completed(DIGEST)[0] >= 30_000
    assert first.told.statuses[-1] == second.told.statuses[-1] == "success"
    assert first.told.monotone
    assert second.told.monotone
    puller.check()


def test_the_first_may_leave_while_another_listens(puller, proxy, names, until, gate):
    proxy.on(DIGEST, Hold(50_000, gate))
    first = Thread(puller, names[0])
    assert until(lambda: max(first.told.completed(DIGEST), default=0) >= 50_000)
    second = Thread(puller, names[1])
    assert until(lambda: second.told.completed(DIGEST))
    first.stop.set()
    assert isinstance(first.end(), Cancelled)
    gate.set()
    assert second.end() is None
    assert proxy.served(DIGEST) == len(WEIGHTS)
    puller.check()


def test_when_the_last_one_leaves_nothing_goes_on(puller, proxy, names, until, gate):
    proxy.on(DIGEST, Hold(20_000, gate))
    threads = [Thread(puller, name) for name in names]
    assert until(lambda: all(max(one.told.completed(DIGEST), default=0) > 0 for one in threads))
    for thread in threads:
        thread.stop.set()
    assert [type(thread.end()) for thread in threads] == [Cancelled, Cancelled]
    assert until(lambda: not [one for one in threading.enumerate() if "fetch" in one.name])
    proxy.forget()
    puller.pull(names[0])
    assert proxy.served(DIGEST) < len(WEIGHTS)
    puller.check()


def test_what_fails_for_one_is_tried_by_the_other(puller, proxy, names, until, gate):
    """The first has no access to the blob in its repository."""
    mine = names[0].split("/", 1)[1].partition(":")[0]
    proxy.on(f"{mine}/blobs/{DIGEST}", HoldBack(gate), Say(403))
    first = Thread(puller, names[0])
    assert until(lambda: proxy.seen(f"{mine}/blobs/{DIGEST}"))
    second = Thread(puller, names[1])
    assert until(lambda: second.told.completed(DIGEST))
    gate.set()
    assert isinstance(first.end(), RegistryError)
    assert second.end() is None
    assert until(lambda: not puller.partials())
    assert puller.blob(DIGEST).read_bytes() == WEIGHTS


@pytest.fixture
def pushes(puller, proxy, names, until, gate):
    """Two pushes of one model, the first of which has begun to send the weights."""
    puller.pull(names[0])
    name = names[0].replace("library/", "pushed/")
    puller.copy(names[0], name)
    proxy.requests.clear()
    proxy.on(DIGEST, HoldBack(gate), method="HEAD")
    first = Thread(puller, name, "push")
    assert until(lambda: proxy.seen(DIGEST, "HEAD"))
    second = Thread(puller, name, "push")
    assert until(lambda: second.told.completed(DIGEST))
    return first, second


def test_two_threads_share_one_upload(puller, proxy, pushes, gate):
    gate.set()
    assert [one.end() for one in pushes] == [None, None]
    assert len(proxy.seen(DIGEST, "HEAD")) == 1
    sent = sum(part.received for part in proxy.seen("/uploads/", "PATCH"))
    assert sent == puller.store.models()[0].manifest.size
    for one in pushes:
        assert one.told.statuses[-1] == "success"
        assert one.told.monotone


def test_the_first_to_push_may_leave_while_another_listens(proxy, pushes, gate):
    first, second = pushes
    first.stop.set()
    assert isinstance(first.end(), Cancelled)
    gate.set()
    assert second.end() is None
    assert len(proxy.seen(DIGEST, "HEAD")) == 1


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


def test_a_dead_owner_is_followed_by_who_waits(puller, proxy, names, children, until, gate):
    proxy.on(DIGEST, Hold(20_000, gate))
    owner = children.start(puller, names[0])
    assert until(lambda: puller.partials())
    waiting = Thread(puller, names[1])
    words = f"waiting for another process to pull {DIGEST[7:19]}"
    assert until(lambda: words in waiting.told.statuses)
    assert until(lambda: max(waiting.told.completed(DIGEST), default=0) > 0)
    proxy.rules.clear()
    owner.signal(signal.SIGKILL)
    assert waiting.end() is None
    assert [line.status for line in waiting.told.lines].count(words) == 1
    assert waiting.told.monotone
    assert owner.wait()[0] == -signal.SIGKILL
    puller.check(broken=True)
    puller.store.prune()
    puller.check()


def test_a_stopped_owner_is_waited_for_until_told_otherwise(
    puller, proxy, names, children, until, gate
):
    proxy.on(DIGEST, Hold(20_000, gate))
    owner = children.start(puller, names[0])
    assert until(lambda: puller.partials())
    owner.signal(signal.SIGSTOP)
    waiting = Thread(puller, names[1])
    assert until(lambda: waiting.told.completed(DIGEST))
    waiting.stop.set()
    assert isinstance(waiting.end(), Cancelled)
    gate.set()
    owner.signal(signal.SIGCONT)
    assert owner.wait()[0] == 0
    puller.check()
