"""Locks and pins between processes: who waits, who goes on, what a dead owner leaves."""

import multiprocessing
import os
import signal
import threading
import time

import pytest
import store_children as work
from store_invariants import entries

from ollama_nb.errors import InvalidDigest, StoreError
from ollama_nb.store import Store, holding, locks
from ollama_nb.store.disk import Disk
from ollama_nb.store.locks import Locks

KEY = "download-" + "0" * 64


@pytest.fixture
def lock(scratch):
    return Locks(Disk(scratch / "models"))


@pytest.fixture
def folder(scratch):
    return scratch / "models" / ".ollama_nb" / "locks"


def test_a_lock_is_free_again_and_leaves_no_file(lock, folder):
    for _ in range(2):
        with lock.held(KEY):
            assert [path.name for path in entries(folder)] == [KEY]
        assert entries(folder) == []


def test_who_is_alone_is_alone(lock):
    with lock.held(KEY):
        with lock.tried(KEY) as free:
            assert free is False
        with lock.tried(KEY + "1") as free:
            assert free is True
    with lock.tried(KEY) as free, lock.tried(KEY) as second:
        assert (free, second) == (True, False)


def test_several_may_share(lock, folder):
    with lock.held(KEY, shared=True):
        with lock.held(KEY, shared=True), lock.tried(KEY) as free:
            assert free is False
        assert len(entries(folder)) == 1
        with lock.tried(KEY) as free:
            assert free is False
    assert entries(folder) == []


def test_who_waits_goes_on_when_the_owner_is_done(lock):
    order = []

    def wait():
        with lock.held(KEY):
            order.append("second")

    with lock.held(KEY):
        second = threading.Thread(target=wait)
        second.start()
        time.sleep(0.1)
        order.append("first")
    second.join(180)
    assert order == ["first", "second"]


def count_up(root, number, path):
    lock = Locks(Disk(root))
    for _ in range(number):
        with lock.held(KEY):
            path.write_text(str(int(path.read_text()) + 1))


def test_no_two_processes_are_alone_together(children, scratch):
    path = scratch / "counter"
    path.write_text("0")
    processes = [children.start(count_up, scratch / "models", 50, path) for _ in range(4)]
    for process in processes:
        process.join(180)
    assert path.read_text() == "200"


def hold(root, ready):
    with Locks(Disk(root)).held(KEY):
        ready.send(True)
        time.sleep(600)


@pytest.fixture
def holder(children, scratch):
    receiver, sender = multiprocessing.get_context("forkserver").Pipe(duplex=False)
    process = children.start(hold, scratch / "models", sender)
    assert receiver.recv()
    yield process
    process.kill()
    process.join()


def test_a_dead_owner_lets_go_at_once(holder, lock, folder):
    with lock.tried(KEY) as free:
        assert not free
    holder.kill()
    holder.join()
    assert [path.name for path in entries(folder)] == [KEY]
    with lock.tried(KEY) as free:
        assert free
    assert entries(folder) == []


def test_the_file_of_a_dead_owner_is_swept_away_and_that_of_a_live_one_is_not(holder, lock, folder):
    lock.sweep()
    assert len(entries(folder)) == 1
    holder.kill()
    holder.join()
    lock.sweep()
    assert entries(folder) == []


def test_a_stopped_owner_is_not_waited_for_for_ever(holder, lock, monkeypatch):
    monkeypatch.setattr(locks, "_PATIENCE_SECONDS", 0.2)
    os.kill(holder.pid, signal.SIGSTOP)
    with pytest.raises(StoreError, match="does not go on"), lock.held(KEY):
        pass
    os.kill(holder.pid, signal.SIGCONT)


def test_where_the_system_has_no_locks_everybody_gets_them(lock, folder, monkeypatch):
    def refuse(*_):
        raise OSError(37, "No locks available")

    monkeypatch.setattr(holding.fcntl, "flock", refuse)
    with lock.held(KEY), lock.tried(KEY) as free:
        assert free
    assert entries(folder) == []
    (folder / "old").touch()
    (folder / "young").touch()
    os.utime(folder / "old", (1, 1))
    lock.sweep()
    assert [path.name for path in entries(folder)] == ["young"]


def test_a_pin_takes_one_file_for_any_number_of_digests(scratch):
    store = Store([scratch / "models"])
    digests = [f"sha256:{number:064x}" for number in range(4096)]
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    with store.pinned([*digests, digests[0].upper().replace("SHA256:", "sha256-")]):
        assert len(os.listdir("/proc/self/fd")) == before + 1  # noqa: PTH208
        (pin,) = entries(scratch / "models" / ".ollama_nb" / "pins")
        assert len(pin.read_text().split()) == 4096
    assert entries(pin.parent) == []


def test_what_is_no_digest_is_not_pinned(scratch):
    with pytest.raises(InvalidDigest), Store([scratch / "models"]).pinned(["sha256:../x"]):
        pass
    assert not (scratch / "models").exists()


def test_the_pin_of_a_dead_process_saves_nothing(children, scratch):
    context = multiprocessing.get_context("forkserver")
    (ready, told), (done, end) = context.Pipe(duplex=False), context.Pipe(duplex=False)
    root = scratch / "models"
    digest = work.upload([root], [b"content"])
    process = children.start(work.hold_pin, [root], [digest], told, done)
    assert ready.recv()
    assert Store([root]).collect([digest]) == 0
    process.kill()
    process.join()
    end.close()
    assert Store([root]).collect([digest]) == 7


def test_a_draft_of_a_dead_process_is_swept_away_and_that_of_a_live_one_is_not(scratch):
    store = Store([scratch / "models"])
    drafts = scratch / "models" / ".ollama_nb" / "drafts"
    with store.new_blob() as blob:
        (drafts / "dead").write_bytes(b"half")
        blob.write(b"mine")
        with store.new_blob() as other:
            other.write(b"other")
            assert len(entries(drafts)) == 2
            other.keep()
        blob.keep()
    assert entries(drafts) == []


def make_drafts(root, number):
    for _ in range(number):
        work.upload([root], [os.urandom(8)])


def test_no_draft_is_swept_away_while_it_is_made(children, scratch):
    root = scratch / "models"
    processes = [children.start(make_drafts, root, 60) for _ in range(4)]
    for process in processes:
        process.join(180)
    assert [process.exitcode for process in processes] == [0] * 4
    assert len(entries(root / "blobs")) == 240
