"""Blocking work, asked for on the event loop."""

import _thread
import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
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
    handover = Handover(unwanted)

    def run() -> None:
        try:
            handover.bring(work(*args))
        except BaseException as error:  # noqa: BLE001 - raised again where it is waited for
            done.set_exception(error)
        else:
            done.set_result(None)

    # Not Thread.start, which would hold the loop until the thread runs.
    _thread.start_new_thread(run, ())
    try:
        await asyncio.wrap_future(done)
        return handover.take()
    except BaseException:
        handover.leave()
        raise
