"""The verb generate: checks in the contract's order, prompt, sequence, chunks.

Section numbers are those of the Ollama API reference.
"""

import json
import time
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from ollama_nb.engine.scheduler import Lease, Scheduler
from ollama_nb.engine.sequence import (
    Finish,
    FreePart,
    Picture,
    Piece,
    SequenceRequest,
    TokenLogprob,
)
from ollama_nb.errors import BadRequest, UnsupportedCapability
from ollama_nb.prompt.thinking import ThinkingSplitter
from ollama_nb.store import Model, Store
from ollama_nb.wire import GenerateRequest, GenerateResponse, Logprob, Options
from ollama_nb.wire.durations import now_utc, parse_keep_alive
from ollama_nb.wire.fold import fold_generate
from ollama_nb.wire.schema import answer_schema

from .finding import find_model
from .generation_prompt import GenerationPrompt, build_prompt
from .stream import Stream

_MAX_TEXT = 32 << 20
"""Characters of a prompt; tokenizing more would hold the requester up for minutes."""
_MAX_TOP_LOGPROBS = 20
_THINK_LEVELS = ("high", "medium", "low", "max")
_PREDICT_BOUND = 10
"""An open-ended answer ends after this many windows (5: num_predict)."""


def generate(
    store: Store, scheduler: Scheduler, request: GenerateRequest, *, owner: str, arrived_ns: int
) -> Stream[GenerateResponse]:
    """Answer ``request``, which arrived at ``arrived_ns`` (perf_counter). See Service.generate."""
    keep_alive_ns = parse_keep_alive(request.keep_alive)
    _check_values(request)
    model = find_model(store, request.model)
    if not request.prompt and keep_alive_ns == 0:
        scheduler.unload(model)
        return Stream.of(_ready(request, "unload"))
    think = _check_abilities(request, model)
    options = Options.merge(model.options, request.options)
    schema = answer_schema(request.format) if request.prompt else None
    images = _images(request)
    lease = scheduler.acquire(model, options, keep_alive_ns)
    try:
        load_ns = time.perf_counter_ns() - arrived_ns
        if not request.prompt:
            lease.release()
            return Stream.of(_ready(request, "load"))
        prompt = build_prompt(request, model, options, lease, images=images, think=think)
        if request.debug_render_only:
            lease.release()
            return Stream.of(_rendered(request, prompt))
        sequence = _sequence(request, options, lease, prompt, schema, owner)
        # The pixels are wanted no longer than the engine needs them.
        answer = _Answer(request, replace(prompt, images=()), arrived_ns, load_ns)
        stream = Stream(answer.chunks, fold_generate)
        stream.begin(lease, sequence)
        return stream
    except BaseException:
        lease.release()
        raise


def _check_values(request: GenerateRequest) -> None:
    """What is wrong whatever the model is (6.2, 8.1)."""
    if len(request.prompt) + len(request.suffix) + len(request.system) > _MAX_TEXT:
        raise BadRequest(f"the prompt is longer than {_MAX_TEXT >> 20} Mi characters")
    if not 0 <= request.top_logprobs <= _MAX_TOP_LOGPROBS:
        raise BadRequest(f"top_logprobs must be between 0 and {_MAX_TOP_LOGPROBS}")
    choices = '("high", "medium", "low", "max", true, or false)'
    if isinstance(request.think, str):
        if request.think not in _THINK_LEVELS:
            raise BadRequest(f'invalid think value: "{request.think}" (must be {choices[1:]}')
    elif request.think is not None and not isinstance(request.think, bool):
        raise BadRequest(f"think must be a boolean or string {choices}")


def _check_abilities(request: GenerateRequest, model: Model) -> bool:
    """What this model cannot do (6.2 from 6 on). Returns whether it shall think."""
    if request.raw and (request.template or request.system or request.context):
        raise BadRequest("raw mode does not support template, system, or context")
    thinks = "thinking" in model.capabilities
    if request.think and not thinks:
        raise UnsupportedCapability.verb(request.model, "thinking")
    if "completion" not in model.capabilities and "embedding" in model.capabilities:
        raise UnsupportedCapability.verb(request.model, "generate")
    if request.suffix and "insert" not in model.capabilities:
        raise UnsupportedCapability.named(model.name.full, "insert")
    if request.images and "vision" not in model.capabilities:
        raise UnsupportedCapability.named(model.name.full, "vision")
    return thinks and request.think is not False


def _images(request: GenerateRequest) -> tuple[Picture, ...]:
    """Decode the images; without a prompt they do not count (4.2). Raises BadRequest."""
    if not (request.images and request.prompt):
        return ()
    # Pillow is loaded with the first image.
    from .pictures import read_images

    return read_images(request.images)


def _sequence(
    request: GenerateRequest, options: Options, lease: Lease, prompt: GenerationPrompt,
    schema: dict[str, Any] | None, owner: str,
) -> SequenceRequest:  # fmt: skip
    return SequenceRequest(
        tokens=tuple(prompt.tokens),
        window=lease.window,
        images=prompt.images,
        options=options,
        num_predict=_limit(options, lease.window, len(prompt.tokens)),
        num_keep=prompt.num_keep,
        shift=request.shift,
        top_logprobs=request.top_logprobs if request.logprobs else None,
        schema=None if schema is None else json.dumps(schema),
        free=_free_part(prompt),
        owner=owner,
    )


def _free_part(prompt: GenerationPrompt) -> FreePart:
    """Thinking comes before a structured answer, and obeys nothing (8.3)."""
    if not prompt.splits_thinking:
        return FreePart()
    begin, end = prompt.thinking_tags
    return FreePart(begin="" if prompt.opens_thinking else begin, end=end)


def _limit(options: Options, window: int, num_prompt: int) -> int:
    """The most tokens to generate: -1 is bounded, -2 fills the window (5: num_predict)."""
    bound = _PREDICT_BOUND * window
    if options.num_predict >= 0:
        return min(options.num_predict, bound)
    return max(1, window - num_prompt) if options.num_predict == -2 else bound


class _Answer:
    """Turns the events of one sequence into chunks."""

    def __init__(
        self, request: GenerateRequest, prompt: GenerationPrompt, arrived_ns: int, load_ns: int
    ) -> None:
        self._request = request
        self._prompt = prompt
        self._arrived_ns, self._load_ns = arrived_ns, load_ns
        self._splitter = (
            ThinkingSplitter(inside=prompt.opens_thinking, tags=prompt.thinking_tags)
            if prompt.splits_thinking
            else None
        )

    def chunks(self, event: Piece | Finish) -> Iterable[GenerateResponse]:
        thinking, text = "", event.text
        if self._splitter is not None:
            thinking, text = self._splitter.feed(event.text)
            if event.done:
                rest = self._splitter.flush()
                thinking, text = thinking + rest.thinking, text + rest.text
        if isinstance(event, Finish):
            yield self._last(event, thinking, text)
        elif thinking or text or event.logprobs:
            yield GenerateResponse(
                model=self._request.model,
                created_at=now_utc(),
                response=text,
                thinking=thinking,
                done=False,
                logprobs=list(map(_logprob, event.logprobs)),
            )

    def _last(self, end: Finish, thinking: str, text: str) -> GenerateResponse:
        keeps_context = not self._request.raw
        return GenerateResponse(
            model=self._request.model,
            created_at=now_utc(),
            response=text,
            thinking=thinking,
            done=True,
            done_reason=end.done_reason,
            context=[*self._prompt.context, *end.tokens] if keeps_context else None,
            total_duration=time.perf_counter_ns() - self._arrived_ns,
            load_duration=self._load_ns,
            prompt_eval_count=end.prompt_count,
            prompt_eval_duration=end.prompt_ns,
            eval_count=end.eval_count,
            eval_duration=end.eval_ns,
            sample_count=end.sample_count,
            sample_duration=end.sample_ns,
            logprobs=list(map(_logprob, end.logprobs)),
        )


def _logprob(entry: TokenLogprob) -> Logprob:
    """Name the tokens (8.4)."""

    def named(data: bytes, logprob: float) -> Logprob:
        return Logprob(token=data.decode("utf-8", "replace"), logprob=logprob, bytes=list(data))

    chosen = named(entry.data, entry.logprob)
    chosen.top_logprobs = [named(*one) for one in entry.top]
    return chosen


def _ready(request: GenerateRequest, reason: str) -> GenerateResponse:
    """The answer of a load or an unload (4.2): no counts, no durations."""
    return GenerateResponse(
        model=request.model, created_at=now_utc(), response="", done=True, done_reason=reason
    )


def _rendered(request: GenerateRequest, prompt: GenerationPrompt) -> GenerateResponse:
    """The answer of ``_debug_render_only``."""
    debug_info: dict[str, Any] = {"rendered_template": prompt.text}
    if prompt.images:
        debug_info["image_count"] = len(prompt.images)
    return GenerateResponse(
        model=request.model,
        created_at=now_utc(),
        response="",
        done=True,
        debug_info=debug_info,
    )
