"""The client that is awaited, driven like the other one, so that both pass the same tests."""

import asyncio
from collections.abc import Iterator
from typing import Any

import ollama


class DrivenClient:
    """An ``ollama.AsyncClient`` without ``await``: each call runs its own event loop until it ends.

    An iterator stands for a stream. Closing that closes the stream.
    """

    def __init__(self, client: ollama.AsyncClient) -> None:
        self._client = client
        self._runner = asyncio.Runner()

    def __enter__(self) -> "DrivenClient":
        return self

    def __exit__(self, *_: object) -> None:
        self._runner.run(self._client.close())
        self._runner.close()

    def __getattr__(self, method: str) -> Any:
        async def asked(*args: Any, **kwargs: Any) -> Any:
            return await getattr(self._client, method)(*args, **kwargs)

        def ask(*args: Any, **kwargs: Any) -> Any:
            answer = self._runner.run(asked(*args, **kwargs))
            return self._told(answer) if hasattr(answer, "__anext__") else answer

        return ask

    def _told(self, stream: Any) -> Iterator[Any]:
        async def following() -> Any:
            return await anext(stream, None)

        try:
            while (part := self._runner.run(following())) is not None:
                yield part
        finally:
            self._runner.run(stream.aclose())
