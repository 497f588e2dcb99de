"""The official clients, with the engine in this process."""

from typing import Any

import ollama

from .async_kernel_transport import async_transport
from .kernel_transport import transport

# Never resolved and never connected to. Given to the clients so that OLLAMA_HOST, which may name a
# server and a path on it, has no say.
_ADDRESS = "http://kernel"


class Client(ollama.Client):
    """The official client: its methods and its types."""

    def __init__(self, **kwargs: Any) -> None:
        """Take what ``ollama.Client`` takes, except a host."""
        _check(kwargs)
        kwargs.setdefault("transport", transport())
        super().__init__(_ADDRESS, **kwargs)


class AsyncClient(ollama.AsyncClient):
    """The official client that is awaited. Cancelling a task stops the engine's work for it."""

    def __init__(self, **kwargs: Any) -> None:
        """Take what ``ollama.AsyncClient`` takes, except a host."""
        _check(kwargs)
        kwargs.setdefault("transport", async_transport())
        super().__init__(_ADDRESS, **kwargs)


def _check(kwargs: dict[str, Any]) -> None:
    if "host" in kwargs:
        raise TypeError("there is no host: the engine is in this process; ollama.Client takes one")
