"""Follow long work, such as a pull, to its end, or to the moment somebody interrupts it.

Runs on the caller's thread, where a KeyboardInterrupt lands.
"""

import time
from collections.abc import Callable

from ollama_nb.errors import OllamaError
from ollama_nb.service import Asking, Stream
from ollama_nb.service.stream import Chunk

_DRAIN_SECONDS = 0.5
_POLL_SECONDS = 0.005


def follow(asking: Asking[Chunk], take: Callable[[Chunk], None]) -> bool:
    """Take all that is told. False: somebody has interrupted it, and it has ended.

    Raises what the work raises.
    """
    stream: Stream[Chunk] | None = None
    try:
        with asking:
            stream = asking.stream()
            for told in stream:
                take(told)
    except KeyboardInterrupt:
        return stream is not None and _ends_well(stream, take)
    return True


def _ends_well(stream: Stream[Chunk], take: Callable[[Chunk], None]) -> bool:
    """Wait until cancelled work has put down what resuming needs; it may just have been done."""
    deadline = time.monotonic() + _DRAIN_SECONDS
    try:
        while not stream.done and time.monotonic() < deadline:
            for told in stream.arrived():
                take(told)
            time.sleep(_POLL_SECONDS)
    except (KeyboardInterrupt, OllamaError):
        return False
    return stream.done
