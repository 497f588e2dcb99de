"""A wait ends with what comes, at its limit, or with an interrupt, whenever that comes."""

import signal
import threading
from queue import Empty, SimpleQueue

import pytest

from ollama_nb.service.waiting import wait_for


class Noting:
    """A queue that notes how long it is waited for, and is empty as often as told."""

    def __init__(self, times):
        self.left = times
        self.timeouts = []

    def get(self, *, timeout):
        self.timeouts.append(timeout)
        if self.left == 0:
            return "came"
        self.left -= 1
        raise Empty


def test_what_comes_is_returned():
    mail = SimpleQueue()
    mail.put("one")
    assert wait_for(mail) == "one"
    threading.Timer(0.01, mail.put, ["two"]).start()
    assert wait_for(mail) == "two"
    mail.put("three")
    assert wait_for(mail, 0) == "three"


def test_what_does_not_come_is_not_waited_for_longer_than_told():
    for seconds in (-1, 0, 0.01):
        with pytest.raises(Empty):
            wait_for(SimpleQueue(), seconds)


def test_no_single_wait_is_long():
    """A signal can come where the interpreter does not see it before a wait is over."""
    for seconds in (None, 1000):
        mail = Noting(times=20)
        assert wait_for(mail, seconds) == "came"
        assert len(mail.timeouts) == 21
        assert max(mail.timeouts) <= 0.5


def test_an_interrupt_gets_through_at_whatever_moment():
    main = threading.main_thread().ident

    def wait():
        begun.set()
        wait_for(SimpleQueue())

    def interrupt(begun):
        begun.wait()
        signal.pthread_kill(main, signal.SIGINT)

    for _ in range(200):
        begun = threading.Event()
        threading.Thread(target=interrupt, args=(begun,)).start()
        with pytest.raises(KeyboardInterrupt):
            wait()
