"""How long a client waits: for work that blocks, and for the pieces of an answer."""

import threading

import httpx
import pytest

from ollama_nb.client.patience import pieces_within, read_timeout, within
from ollama_nb.errors import EngineError


class Pieces:
    """A body: pieces that are there, an exception among them ends it, and then silence."""

    def __init__(self, *pieces, done=True):
        self.cancelled = False
        self._left = list(pieces)
        self._ends = done

    @property
    def done(self):
        return self._ends and not self._left

    def __iter__(self):
        return self.arrived()

    def listen(self, wake):
        wake()

    def arrived(self):
        while self._left:
            piece = self._left.pop(0)
            if isinstance(piece, Exception):
                raise piece
            yield piece

    def cancel(self):
        self.cancelled = True


@pytest.mark.parametrize("seconds", [None, 0.0])
def test_pieces_that_are_there_are_in_time(seconds):
    body = Pieces(b"a", b"b")
    assert b"".join(pieces_within(seconds, body)) == b"ab"
    assert not body.cancelled


def test_silence_after_a_piece_is_not_waited_out():
    body = Pieces(b"a", done=False)
    pieces = pieces_within(0.01, body)
    assert next(pieces) == b"a"
    with pytest.raises(httpx.ReadTimeout, match=r"nothing came from the engine for 0\.01 s"):
        next(pieces)
    assert body.cancelled


def test_a_failure_of_the_body_gets_through():
    with pytest.raises(EngineError, match="broken"):
        next(pieces_within(0.0, Pieces(EngineError("broken"))))


@pytest.mark.parametrize("seconds", [None, 600])
def test_what_work_returns_and_raises(seconds):
    def fail():
        raise EngineError("broken")

    assert within(seconds, lambda: 3, unwanted=pytest.fail) == 3
    with pytest.raises(EngineError, match="broken"):
        within(seconds, fail, unwanted=pytest.fail)


def test_a_result_that_comes_too_late_is_let_go():
    go_on, unwanted = threading.Event(), []
    gone = threading.Event()

    def drop(result):
        unwanted.append(result)
        gone.set()

    with pytest.raises(httpx.ReadTimeout):
        within(0.01, lambda: go_on.wait() and "late", unwanted=drop)
    go_on.set()
    assert gone.wait(60)
    assert unwanted == ["late"]


def test_a_request_without_a_timeout_waits_as_long_as_it_takes():
    request = httpx.Request("GET", "http://kernel/")
    assert read_timeout(request) is None
    with httpx.Client(timeout=httpx.Timeout(3, read=7)) as client:
        assert read_timeout(client.build_request("GET", "http://kernel/")) == 7
