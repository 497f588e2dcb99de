"""Blocking work, asked for on the event loop."""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from functools import partial
from typing import Protocol, TypeVar, TypeVarTuple

from .handover import Handover

_Given = TypeVarTuple("_Given")
_Result = TypeVar("_Result")


class Call(Protocol):
    """Does what blocks on some thread, and is awaited for its result."""

    def __call__(self, work: Callable[[*_Given], _Result], *args: *_Given) -> Awaitable[_Result]:
        """Begin; raises what the work raises."""


async def call(
    work: Callable[[*_Given], _Result],
    *args: *_Given,
    unwanted: Callable[[_Result], None] | None = None,
) -> _Result:
    """Do what blocks on a thread of its own, which the end of the process does not wait for.

    Who cancels this leaves the work to end by itself. ``unwanted`` then gets its result, on
    whichever thread that is.
    """
    done: Future[None] = Future()
    done.set_running_or_notify_cancel()  # from now on only its result ends it
    handover = Handover(partial(work, *args), unwanted)
    handover.start(partial(done.set_result, None))
    try:
        await asyncio.wrap_future(done)
        return handover.take()
    except BaseException:
        handover.leave()
        raise
