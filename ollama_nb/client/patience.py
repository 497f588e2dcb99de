"""httpx's read timeout: how long a client waits for the next bytes of an answer.

Like a socket's, it also runs while a model loads. The other timeouts of httpx, for connections and
for what is sent, have nothing to apply to.
"""

import time
from collections.abc import Callable, Iterator
from functools import partial
from queue import Empty, SimpleQueue
from typing import TypeVar

import httpx

from ollama_nb.http import Body
from ollama_nb.loop import Handover
from ollama_nb.service.waiting import wait_for

_Result = TypeVar("_Result")


def read_timeout(request: httpx.Request) -> float | None:
    """The seconds that a request allows; None: as long as it takes."""
    seconds: float | None = request.extensions.get("timeout", {}).get("read")
    return seconds


def late(seconds: float | None) -> httpx.ReadTimeout:
    """What is raised where nothing has come."""
    return httpx.ReadTimeout(
        f"nothing came from the engine for {seconds} s, the client's timeout; timeout=None waits "
        "as long as it takes"
    )


def within(
    seconds: float | None, work: Callable[[], _Result], *, unwanted: Callable[[_Result], None]
) -> _Result:
    """Do what blocks on a thread of its own, which an interrupt of this one leaves to its work.

    Raises what the work raises, and ReadTimeout; ``unwanted`` then gets what comes too late.
    """
    done: SimpleQueue[None] = SimpleQueue()
    handover = Handover(work, unwanted)
    handover.start(partial(done.put, None))
    try:
        try:
            wait_for(done, seconds)
        except Empty:
            raise late(seconds) from None
        return handover.take()
    except BaseException:
        handover.leave()
        raise


def pieces_within(seconds: float | None, body: Body) -> Iterator[bytes]:
    """The pieces of an answer; one that does not come in time is not waited for.

    Raises what the body raises, and ReadTimeout; the work is then told to stop.
    """
    if seconds is None:
        yield from body
        return
    news: SimpleQueue[None] = SimpleQueue()  # no interrupt leaves it locked
    body.listen(lambda: news.put(None))
    end = time.monotonic() + seconds
    while not body.done:
        try:
            wait_for(news, end - time.monotonic())
        except Empty:
            body.cancel()
            raise late(seconds) from None
        if data := b"".join(body.arrived()):
            yield data
            end = time.monotonic() + seconds
