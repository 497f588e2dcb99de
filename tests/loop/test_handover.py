"""A result is taken by who waits for it, or goes where it is unwanted; never both."""

import threading

from ollama_nb.loop import Handover


def test_who_waits_takes_it():
    handover = Handover(None)
    handover.bring("result")
    assert handover.take() == "result"
    handover.leave()


def test_who_leaves_before_or_after_lets_it_go():
    dropped = []
    early, late, never = (Handover(dropped.append) for _ in range(3))
    early.leave()
    early.bring(1)
    late.bring(2)
    late.leave()
    never.leave()
    assert dropped == [1, 2]


def test_nobody_need_want_it():
    handover = Handover(None)
    handover.leave()
    handover.bring("result")


def test_it_is_let_go_once_whoever_comes_second():
    dropped = []
    for number in range(500):
        handover = Handover(dropped.append)
        bringing = threading.Thread(target=handover.bring, args=(number,))
        bringing.start()
        handover.leave()
        bringing.join()
    assert dropped == list(range(500))
