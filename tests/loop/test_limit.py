"""What is awaited takes no longer than it may, and whose TimeoutError is whose."""

import asyncio

import pytest

from ollama_nb.loop import within


class Late(Exception):
    """What the tests make of it."""


async def awaited(seconds, awaitable):
    async with within(seconds, Late):
        return await awaitable


@pytest.mark.parametrize("seconds", [None, 600])
def test_what_is_in_time_is_returned(seconds):
    assert asyncio.run(awaited(seconds, asyncio.sleep(0, "here"))) == "here"


def test_what_takes_longer_is_cancelled():
    async def endless():
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append(True)
            raise

    cancelled = []
    with pytest.raises(Late):
        asyncio.run(awaited(0.01, endless()))
    assert cancelled == [True]


@pytest.mark.parametrize("seconds", [None, 600])
def test_a_timeout_of_what_is_awaited_stays_one(seconds):
    async def fail():
        raise TimeoutError("its own")

    with pytest.raises(TimeoutError, match="its own"):
        asyncio.run(awaited(seconds, fail()))
