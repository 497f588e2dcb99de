"""Embedding requests under way: whose texts go into the next call, and what becomes of vectors."""

import logging
import time
from collections import deque
from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray

from ollama_nb.errors import BadRequest, Cancelled, EngineError

from .governor import Governor, kind_of_work
from .host import Emit
from .native import MOST_TEXTS, Embedder, Model
from .sequence import EmbedRequest, Vectors
from .spec import LoadSpec

_log = logging.getLogger(__name__)


class LiveEmbedding:
    """One request's texts and the vectors that are there already, on the runner's thread."""

    def __init__(self, number: int, request: EmbedRequest, emit: Emit) -> None:
        """Stand in line."""
        self.number = number
        self.request = request
        self.cancelled = False
        self._vectors: list[NDArray[np.float32]] = []
        self._emit = emit

    @property
    def done(self) -> bool:
        """Whether every text has its vector."""
        return len(self._vectors) == len(self.request.texts)

    def rest(self, most: int) -> tuple[tuple[int, ...], ...]:
        """Up to ``most`` texts that have no vector yet."""
        begun = len(self._vectors)
        return self.request.texts[begun : begun + most]

    def take(self, vector: NDArray[np.float32]) -> None:
        """Keep the vector of the next text."""
        self._vectors.append(vector)

    def finish(self) -> None:
        """Give out all vectors, shaped as the request wants them."""
        try:
            vectors = shaped(np.stack(self._vectors), self.request)
        except BadRequest as error:
            self.fail(error)
            return
        count = sum(map(len, self.request.texts))
        self._send(Vectors(vectors.astype("<f4").tobytes(), vectors.shape[1], count))

    def fail(self, error: Exception) -> None:
        """End with an error instead."""
        self._send(error)

    def _send(self, event: Vectors | Exception) -> None:
        try:
            self._emit(event)
        except Exception:  # noqa: BLE001 - whatever it is, it is the consumer's
            _log.exception("a consumer of the engine failed")


_SHORTEST = 1e-12
"""A vector of zeros stays one."""

Waiting = tuple[LiveEmbedding, tuple[int, ...]]
"""A text whose turn has not come, and its request."""


class Embeddings:
    """The embedding requests of one model, and the context for them once one has come."""

    def __init__(
        self, model: Model, spec: LoadSpec, forget: Callable[[LiveEmbedding], None]
    ) -> None:
        """Make nothing yet; ``forget`` is called for each request that ends."""
        self._model = model
        self._spec = spec
        self._forget = forget
        self._live: list[LiveEmbedding] = []
        """Oldest first."""
        self._embedder: Embedder | None = None
        self._governor = Governor(spec.threads[1], fixed=spec.threads_fixed)

    @property
    def busy(self) -> bool:
        """Whether there is anything to do."""
        return bool(self._live)

    def add(self, one: LiveEmbedding) -> None:
        """Take a request in."""
        self._live.append(one)

    def abort(self) -> None:
        """Stop the call under way. Callable from any thread."""
        embedder = self._embedder
        if embedder:
            embedder.abort()

    def step(self, capacity: int) -> None:
        """Embed as many of the waiting texts as one call of so many tokens takes."""
        for one in [one for one in self._live if one.cancelled]:
            self._end(one, Cancelled())
        chosen = pack(self._live, capacity, MOST_TEXTS)
        if not chosen:
            return
        try:
            if self._embedder is None:
                self._embedder = Embedder(self._model, self._spec)
            vectors = self._call(self._embedder, [text for _, text in chosen])
        except EngineError as error:
            for one in {one.number: one for one, _ in chosen}.values():
                self._end(one, error)
            return
        if vectors is None:
            self._embedder.resume()
            return
        for (one, _), vector in zip(chosen, vectors, strict=True):
            one.take(vector)
            if one.done:
                self._end(one)

    def _call(self, embedder: Embedder, texts: list[tuple[int, ...]]) -> NDArray[np.float32] | None:
        """Embed, and learn from how long it took."""
        lengths = [len(text) for text in texts]
        begun = time.perf_counter_ns()
        vectors = embedder.embed(texts, self._governor.threads)
        if vectors is not None:
            now = time.perf_counter_ns()
            work = kind_of_work(sum(lengths), max(lengths))
            self._governor.note(work, (now - begun) / sum(lengths), now)
        return vectors

    def end_all(self, error: Exception) -> None:
        """Tell everyone that ``error`` happened."""
        for one in list(self._live):
            self._end(one, error)

    def close(self) -> None:
        """Free the context; before the Model's own close."""
        if self._embedder:
            self._embedder.close()

    def _end(self, one: LiveEmbedding, error: Exception | None = None) -> None:
        self._live.remove(one)
        self._forget(one)
        one.finish() if error is None else one.fail(error)


def pack(waiting: Iterable[LiveEmbedding], capacity: int, most: int) -> list[Waiting]:
    """Choose texts for one call, each with its request; a request's texts keep their order.

    Owners take turns, each with the next text of their oldest request, as long as ``capacity``
    tokens and ``most`` texts allow; the first text is taken whatever its length.
    """
    lines: dict[str, deque[Waiting]] = {}
    for one in waiting:
        line = lines.setdefault(one.request.owner, deque())
        line.extend((one, text) for text in one.rest(most))
    chosen: list[Waiting] = []
    size = 0
    while lines:
        for owner, line in list(lines.items()):
            length = len(line[0][1]) if line else 0
            if not line or len(chosen) == most or (chosen and size + length > capacity):
                del lines[owner]
                continue
            chosen.append(line.popleft())
            size += length
    return chosen


def shaped(vectors: NDArray[np.float32], request: EmbedRequest) -> NDArray[np.float32]:
    """Cut to the wanted dimensions and bring to length 1. Raises BadRequest for NaN, infinity."""
    if not np.isfinite(vectors).all():
        raise BadRequest("embedding contains NaN or Inf values")
    if not request.normalize:
        return vectors
    if 0 < request.dimensions < vectors.shape[1]:
        vectors = vectors[:, : request.dimensions]
    # In float64: squares of large numbers, and lengths, are infinite in float32.
    whole = vectors.astype(np.float64)
    lengths = np.linalg.norm(whole, axis=1, keepdims=True)
    unit: NDArray[np.float32] = (whole / np.maximum(lengths, _SHORTEST)).astype(np.float32)
    return unit
