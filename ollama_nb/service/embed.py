"""The verbs embed and embeddings: texts become vectors.

Section numbers are those of the Ollama API reference.
"""

import time
from array import array
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import msgspec

from ollama_nb.engine.scheduler import Lease, Scheduler
from ollama_nb.engine.sequence import EmbedRequest as Texts
from ollama_nb.engine.sequence import Vectors
from ollama_nb.errors import BadRequest, ModelNotFound
from ollama_nb.store import Store
from ollama_nb.wire import (
    EmbeddingsRequest,
    EmbeddingsResponse,
    EmbedRequest,
    EmbedResponse,
    Options,
)
from ollama_nb.wire.durations import parse_keep_alive

from .finding import find_model
from .stream import Stream

Answer = TypeVar("Answer", EmbedResponse, EmbeddingsResponse)

_MOST_INPUTS = 2048
_MAX_TEXT = 32 << 20
"""Characters of all texts together."""
_EMPTY = " "
"""Stands for a text without tokens, of which no model makes a vector."""


def embed(
    store: Store, scheduler: Scheduler, request: EmbedRequest, *, owner: str, arrived_ns: int
) -> Stream[EmbedResponse]:
    """Answer ``request``, which arrived at ``arrived_ns`` (perf_counter). See Service.embed."""
    texts = _texts(request.input)
    lease = _acquire(store, scheduler, request)
    load_ns = time.perf_counter_ns() - arrived_ns

    def answer(event: Vectors) -> Iterable[EmbedResponse]:
        yield EmbedResponse(
            model=request.model,
            embeddings=_lists(event),
            total_duration=time.perf_counter_ns() - arrived_ns,
            load_duration=load_ns,
            prompt_eval_count=event.num_tokens,
        )

    if not texts:
        return _loaded(lease, EmbedResponse(model=request.model, embeddings=[]))
    return _begin(
        lease,
        texts,
        Texts(texts=(), dimensions=request.dimensions, owner=owner),
        answer,
        truncate=request.truncate,
    )


def embeddings(
    store: Store, scheduler: Scheduler, request: EmbeddingsRequest, *, owner: str
) -> Stream[EmbeddingsResponse]:
    """Answer the older form of ``request``. See Service.embeddings."""
    if not request.model.strip():
        raise BadRequest("model is required")
    texts = _texts(request.prompt)
    lease = _acquire(store, scheduler, request)

    def answer(event: Vectors) -> Iterable[EmbeddingsResponse]:
        vector = _lists(event)[0]
        yield EmbeddingsResponse(vector, vector)

    if not texts:
        return _loaded(lease, EmbeddingsResponse([], []))
    return _begin(lease, texts, Texts(texts=(), normalize=False, owner=owner), answer)


def _texts(given: Any) -> list[str]:
    """Read ``input``; no texts mean that the model is only loaded. Raises BadRequest."""
    if given is None or given == "":
        return []
    texts = [given] if isinstance(given, str) else given
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise BadRequest("invalid input type")
    if len(texts) > _MOST_INPUTS:
        raise BadRequest(f"input has {len(texts)} texts, at most {_MOST_INPUTS} are taken")
    if sum(map(len, texts)) > _MAX_TEXT:
        raise BadRequest(f"the input is longer than {_MAX_TEXT >> 20} Mi characters")
    return texts


def _acquire(
    store: Store, scheduler: Scheduler, request: EmbedRequest | EmbeddingsRequest
) -> Lease:
    keep_alive_ns = parse_keep_alive(request.keep_alive)
    try:
        model = find_model(store, request.model)
    except ModelNotFound as error:
        raise (ModelNotFound.to_embed(request.model) if error.name else error) from None
    options = Options.merge(model.options, request.options)
    return scheduler.acquire(model, options, keep_alive_ns)


def _loaded(lease: Lease, answer: Answer) -> Stream[Answer]:
    """Say that the model is loaded, which was all that was asked for."""
    lease.release()
    return Stream.of(answer)


def _begin(
    lease: Lease,
    texts: list[str],
    wanted: Texts,
    answer: Callable[[Vectors], Iterable[Answer]],
    *,
    truncate: bool = True,
) -> Stream[Answer]:
    """Hand the texts to the engine, in the shape that is ``wanted``; the lease ends with them."""
    try:
        tokens = tuple(_tokens(text, lease, truncate=truncate) for text in texts)
        stream = Stream(answer, lambda answers: next(iter(answers)))
        stream.begin(lease, msgspec.structs.replace(wanted, texts=tokens))
    except BaseException:
        lease.release()
        raise
    return stream


def _tokens(text: str, lease: Lease, *, truncate: bool) -> tuple[int, ...]:
    """Tokenize, and cut at the end what does not fit (9). Raises BadRequest where not allowed."""
    before, after = lease.runner.vocabulary.around
    content = lease.runner.tokenize([text], start=False)
    room = lease.window - len(before) - len(after)
    if len(content) > room and not truncate:
        raise BadRequest("the input length exceeds the context length")
    tokens = (*before, *content[: max(0, room)], *after)
    return tokens or tuple(lease.runner.tokenize([_EMPTY], start=False))


def _lists(event: Vectors) -> list[list[float]]:
    numbers = array("f", event.data)
    return [list(numbers[at : at + event.width]) for at in range(0, len(numbers), event.width)]
