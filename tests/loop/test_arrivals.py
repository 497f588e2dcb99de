"""Answers on their way to the event loop: by which thread they are made, and in what parts."""

import asyncio
import threading

import pytest

from ollama_nb.errors import EngineError
from ollama_nb.loop import BLOCK, Arrivals, Bell

PIECE = b"x" * (BLOCK // 4)


class Readymade:
    """A body whose pieces are there; it remembers which thread has taken them."""

    streams = False
    done = False

    def __init__(self, pieces, *, takes_long=False):
        self.takes_long = takes_long
        self.makers = set()
        self._pieces = pieces

    def __iter__(self):
        return self.arrived()

    def arrived(self):
        self.makers.add(threading.get_ident())
        self.done = True
        for piece in self._pieces:
            if isinstance(piece, Exception):
                raise piece
            yield piece

    def listen(self, wake):
        wake()

    def cancel(self):
        self.done = True


def sent(body):
    """What goes out, in the parts in which it does."""

    async def sent():
        return [data async for data in Arrivals(body, Bell()).pieces()]

    return asyncio.run(sent())


def test_what_has_arrived_goes_out_together():
    body = Readymade([b"a", b"b", b"c"])
    assert sent(body) == [b"abc"]
    assert body.makers == {threading.get_ident()}


def test_what_takes_long_is_made_by_another_thread_and_goes_out_in_blocks():
    body = Readymade([PIECE] * 9 + [b"end"], takes_long=True)
    parts = sent(body)
    assert [len(part) for part in parts] == [BLOCK, BLOCK, len(PIECE) + 3]
    assert b"".join(parts) == PIECE * 9 + b"end"
    assert threading.get_ident() not in body.makers


def test_what_takes_long_and_is_short_goes_out_in_one():
    assert sent(Readymade([b"a", b"b"], takes_long=True)) == [b"ab"]


def test_a_failure_comes_before_all_that_takes_long():
    with pytest.raises(EngineError, match="broken"):
        sent(Readymade([PIECE] * 9 + [EngineError("broken")], takes_long=True))
