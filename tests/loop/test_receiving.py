"""Bodies on their way to a thread, when there is none to be had."""

import asyncio

import pytest

from ollama_nb.errors import Busy
from ollama_nb.http import Request
from ollama_nb.http.messages import text_response
from ollama_nb.http.sinks import Incoming
from ollama_nb.loop import Receiving
from ollama_nb.loop.receiving import PIECE


class Shelf:
    """A sink that keeps what it is given until it is told to let go."""

    def __init__(self):
        self.kept = bytearray()
        self.aborted = 0

    def write(self, piece):
        self.kept += piece

    def finish(self):
        return text_response(str(len(self.kept)))

    def abort(self):
        self.aborted += 1


@pytest.fixture
def shelf():
    return Shelf()


@pytest.fixture
def receiving(shelf):
    """Make a Receiving whose threads give out after this many calls."""

    def receiving(calls, error):
        left = [calls]

        async def call(work, *args):
            if not left[0]:
                raise error
            left[0] -= 1
            return work(*args)

        return Receiving(Incoming(Request("POST", "/api/blobs/x", {}, b""), shelf), call)

    return receiving


async def sent(receiving, pieces):
    for _ in range(pieces):
        answer = await receiving.take(bytes(PIECE))
        if answer is not None:
            return answer
    return await receiving.finish()


def test_with_threads_enough_all_of_it_arrives(receiving, shelf):
    answer = asyncio.run(sent(receiving(9, Busy()), 3))
    assert (answer.status, answer.body) == (200, str(3 * PIECE).encode())
    assert not shelf.aborted


@pytest.mark.parametrize("calls", range(5))
def test_the_sender_is_told_and_nothing_stays(receiving, shelf, calls):
    answer = asyncio.run(sent(receiving(calls, Busy()), 3))
    assert answer.status == Busy.status
    assert shelf.aborted == 1


@pytest.mark.parametrize("calls", range(5))
def test_what_nobody_planned_is_raised_and_nothing_stays(receiving, shelf, calls):
    async def scene():
        begun = receiving(calls, RuntimeError("can't start new thread"))
        with pytest.raises(RuntimeError):
            await sent(begun, 3)
        await begun.abort()

    asyncio.run(scene())
    assert shelf.aborted == 1


@pytest.mark.parametrize("error", [Busy(), RuntimeError("can't start new thread")])
def test_who_leaves_then_leaves_nothing(receiving, shelf, error):
    async def scene():
        begun = receiving(0, error)
        assert await begun.take(bytes(PIECE)) is None
        await begun.abort()

    asyncio.run(scene())
    assert shelf.aborted == 1
