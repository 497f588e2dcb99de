"""A result is taken by who waits for it, or goes where it is unwanted; never both."""

import threading

import pytest

from ollama_nb.errors import Busy
from ollama_nb.loop import Handover

PATIENCE = 180


class Work:
    """Work that ends when it is told to."""

    def __init__(self, result="result"):
        self.go_on, self.ended = threading.Event(), threading.Event()
        self.result = result

    def __call__(self):
        self.go_on.wait(PATIENCE)
        return self.result

    def begin(self, unwanted):
        handover = Handover(self, unwanted)
        handover.start(self.ended.set)
        return handover

    def finish(self):
        self.go_on.set()
        assert self.ended.wait(PATIENCE)


def test_who_waits_takes_it():
    work = Work()
    handover = work.begin(None)
    work.finish()
    assert handover.take() == "result"
    handover.leave()


def test_who_leaves_before_or_after_lets_it_go():
    dropped = []
    works = early, late, never = [Work(number) for number in range(1, 4)]
    handovers = [work.begin(dropped.append) for work in works]
    handovers[0].leave()
    early.finish()
    late.finish()
    handovers[1].leave()
    handovers[2].leave()
    assert dropped == [1, 2]
    never.finish()
    assert dropped == [1, 2, 3]


def test_nobody_need_want_it():
    work = Work()
    work.begin(None).leave()
    work.finish()


def test_what_the_work_raises_is_raised_where_it_is_waited_for():
    def fail():
        raise Busy

    dropped, ended = [], threading.Event()
    handover = Handover(fail, dropped.append)
    handover.start(ended.set)
    assert ended.wait(PATIENCE)
    with pytest.raises(Busy):
        handover.take()
    handover.leave()
    assert dropped == []


def test_it_is_let_go_once_whoever_comes_second():
    dropped = []
    for number in range(500):
        ended = threading.Event()
        handover = Handover(lambda number=number: number, dropped.append)
        handover.start(ended.set)
        handover.leave()
        assert ended.wait(PATIENCE)
    assert dropped == list(range(500))
