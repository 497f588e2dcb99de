"""What generate and chat have in common: checks in the contract's order, prompt, sequence, answer.

Section numbers are those of the Ollama API reference.
"""

import json
import time
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar, Generic, TypeVar

from ollama_nb.engine.scheduler import Lease, Scheduler
from ollama_nb.engine.sequence import Finish, FreePart, Picture, Piece, SequenceRequest
from ollama_nb.errors import BadRequest, UnsupportedCapability
from ollama_nb.prompt.parsers import AnswerFormat, Parsed, Parser
from ollama_nb.store import Model, Store
from ollama_nb.wire import ChatRequest, ChatResponse, GenerateRequest, GenerateResponse, Options
from ollama_nb.wire.durations import parse_keep_alive
from ollama_nb.wire.schema import answer_schema

from .prompt import Prompt, PromptWriter, Written
from .rendering import Tools, renderer_for
from .stream import Stream

Asked = TypeVar("Asked", GenerateRequest, ChatRequest)
Chunk = TypeVar("Chunk", GenerateResponse, ChatResponse)

_MAX_TEXT, _MAX_RENDERED = 32 << 20, 4_000_000
"""Characters of a request: tokenizing more would hold the requester up for minutes, and templates
write no more than 4 Mi."""
_MAX_TOP_LOGPROBS = 20
_THINK_LEVELS = ("high", "medium", "low", "max")
_PREDICT_BOUND = 10
"""An open-ended answer ends after this many windows (5: num_predict)."""


class Completion(ABC, Generic[Asked, Chunk]):
    """One request on its way to an answer; a subclass says what its verb does differently."""

    verb: ClassVar[str]
    template = ""
    """The request's own template."""
    is_raw = False
    """Whether the prompt is the engine's as it stands."""
    tools: Tools = ()
    """What the answer may call."""
    before: Sequence[int] = ()
    """Tokens of a conversation that the prompt continues."""

    def __init__(self, request: Asked, arrived_ns: int) -> None:
        """Take a request that arrived at ``arrived_ns`` (perf_counter)."""
        self.request: Asked = request
        self.arrived_ns = arrived_ns
        self.load_ns = 0
        """How long it took until the model was there."""

    def stream(self, store: Store, scheduler: Scheduler, owner: str) -> Stream[Chunk]:
        """Answer. Raises what is wrong with the request, or keeps the model from loading."""
        keep_alive_ns = parse_keep_alive(self.request.keep_alive)
        self._check_values()
        model = self.find(store)
        if self.is_empty and keep_alive_ns == 0:
            scheduler.unload(model)
            return Stream.of(self.bare("unload"))
        self.check_abilities(model)
        options = Options.merge(model.options, self.request.options)
        schema = None if self.is_empty else answer_schema(self.request.format)
        images = () if self.is_empty else _pictures(self.images)
        lease = scheduler.acquire(model, options, keep_alive_ns)
        try:
            self.load_ns = time.perf_counter_ns() - self.arrived_ns
            if self.is_empty:
                lease.release()
                return Stream.of(self.bare("load"))
            writer = self._writer(model, lease, images)
            written = self.write(writer, model)
            if self.request.debug_render_only:
                lease.release()
                return Stream.of(self.rendered(written))
            prompt = writer.fitted(written, options.num_keep)
            format = writer.renderer.format
            schema = self.forced(format) or schema
            return self._begin(lease, format, prompt, options, schema, owner)
        except BaseException:
            lease.release()
            raise

    # What a verb says of its request.

    @property
    @abstractmethod
    def is_empty(self) -> bool:
        """Whether nothing is asked: the model is only loaded, or unloaded (4.2)."""

    @property
    @abstractmethod
    def images(self) -> Sequence[str]:
        """Those of the request, as they came."""

    @abstractmethod
    def size(self) -> int:
        """Characters of all its texts."""

    @abstractmethod
    def find(self, store: Store) -> Model:
        """The model that is asked. Raises what this verb's contract says of its name."""

    @abstractmethod
    def write(self, writer: PromptWriter, model: Model) -> Written:
        """The prompt."""

    # What a verb answers.

    @abstractmethod
    def bare(self, reason: str) -> Chunk:
        """Nothing but that it is done: no counts, no durations (4.2)."""

    @abstractmethod
    def rendered(self, written: Written) -> Chunk:
        """The answer of ``_debug_render_only``."""

    @abstractmethod
    def chunk(self, parsed: Parsed, event: Piece, prompt: Prompt) -> Chunk | None:
        """One piece of the answer; None where there is nothing to tell."""

    @abstractmethod
    def last(self, parsed: Parsed, end: Finish, prompt: Prompt) -> Chunk:
        """The end of the answer, with what is counted."""

    @staticmethod
    @abstractmethod
    def fold(chunks: Iterable[Chunk]) -> Chunk:
        """All chunks as one."""

    # What every verb does unless it says otherwise.

    def check_abilities(self, model: Model) -> None:
        """Refuse what this model cannot do (6.2 from 6 on)."""
        if self.request.think and "thinking" not in model.capabilities:
            raise UnsupportedCapability.verb(self.request.model, "thinking")
        if "completion" not in model.capabilities and "embedding" in model.capabilities:
            raise UnsupportedCapability.verb(self.request.model, self.verb)
        if self.images and "vision" not in model.capabilities:
            raise UnsupportedCapability.named(model.name.full, "vision")

    def forced(self, format: AnswerFormat) -> dict[str, Any] | None:
        """What the answer must obey instead of the request's ``format``. Raises BadRequest."""
        return None

    def parser(self, format: AnswerFormat, *, thinks: bool, inside: bool) -> Parser:
        """What reads the answer."""
        return format.parser(self.tools, thinks=thinks, inside=inside)

    def counts(self, end: Finish) -> dict[str, Any]:
        """Tokens, and durations in nanoseconds, that both verbs tell at the end (6.7, 7.2)."""
        return {
            "total_duration": time.perf_counter_ns() - self.arrived_ns,
            "load_duration": self.load_ns,
            "prompt_eval_count": end.prompt_count,
            "prompt_eval_duration": end.prompt_ns,
            "eval_count": end.eval_count,
            "eval_duration": end.eval_ns,
        }

    def _check_values(self) -> None:
        """What is wrong whatever the model is (6.2, 8.1)."""
        think = self.request.think
        most = _MAX_TEXT if self.is_raw else _MAX_RENDERED
        if self.size() > most:
            raise BadRequest(f"the prompt is longer than {most:,} characters")
        if not 0 <= self.request.top_logprobs <= _MAX_TOP_LOGPROBS:
            raise BadRequest(f"top_logprobs must be between 0 and {_MAX_TOP_LOGPROBS}")
        choices = '("high", "medium", "low", "max", true, or false)'
        if isinstance(think, str):
            if think not in _THINK_LEVELS:
                raise BadRequest(f'invalid think value: "{think}" (must be {choices[1:]}')
        elif think is not None and not isinstance(think, bool):
            raise BadRequest(f"think must be a boolean or string {choices}")

    def _writer(self, model: Model, lease: Lease, images: tuple[Picture, ...]) -> PromptWriter:
        renderer = renderer_for(
            model,
            lease.runner.vocabulary,
            template=self.template,
            think=self.request.think,
            tools=bool(self.tools),
        )
        return PromptWriter(
            runner=lease.runner,
            window=lease.window,
            renderer=renderer,
            images=images,
            truncate=self.request.truncate,
            shift=self.request.shift,
            before=self.before,
        )

    def _begin(
        self, lease: Lease, format: AnswerFormat, prompt: Prompt, options: Options,
        schema: dict[str, Any] | None, owner: str,
    ) -> Stream[Chunk]:  # fmt: skip
        inside = prompt.opens_thinking
        # A template that begins the thinking by itself has not been told otherwise, or cannot be.
        thinks = prompt.thinks or (inside and not self.is_raw)
        controls = lease.runner.vocabulary.controls
        sequence = SequenceRequest(
            tokens=tuple(prompt.tokens),
            window=lease.window,
            images=prompt.images,
            options=options,
            num_predict=_limit(options, lease.window, len(prompt.tokens)),
            num_keep=prompt.num_keep,
            shift=self.request.shift,
            top_logprobs=self.request.top_logprobs if self.request.logprobs else None,
            schema=None if schema is None else json.dumps(schema),
            # Thinking comes before a structured answer, and obeys nothing (8.3).
            free=FreePart(*format.free_part(thinks=thinks, inside=inside)),
            shows_controls=any(mark in controls for mark in format.marks),
            owner=owner,
        )
        answer = _Answer(self, self.parser(format, thinks=thinks, inside=inside), prompt)
        stream: Stream[Chunk] = Stream(answer.chunks, self.fold)
        stream.begin(lease, sequence)
        return stream


class _Answer(Generic[Chunk]):
    """Turns the events of one sequence into chunks."""

    def __init__(self, asked: Completion[Any, Chunk], parser: Parser, prompt: Prompt) -> None:
        self._asked: Completion[Any, Chunk] = asked
        self._parser = parser
        # The pixels are wanted no longer than the engine needs them.
        self._prompt = prompt.without_images()

    def chunks(self, event: Piece | Finish) -> Iterable[Chunk]:
        parsed = self._parser.feed(event.text) if event.text else Parsed()
        if isinstance(event, Finish):
            yield self._asked.last(parsed.joined(self._parser.flush()), event, self._prompt)
        else:
            chunk = self._asked.chunk(parsed, event, self._prompt)
            if chunk is not None:
                yield chunk


def _pictures(images: Sequence[str]) -> tuple[Picture, ...]:
    """Decode the images. Raises BadRequest."""
    if not images:
        return ()
    # Pillow is loaded with the first image.
    from .pictures import read_images

    return read_images(images)


def _limit(options: Options, window: int, num_prompt: int) -> int:
    """The most tokens to generate: -1 is bounded, -2 fills the window (5: num_predict).

    0 is no limit either, as in Ollama's runners.
    """
    bound = _PREDICT_BOUND * window
    if options.num_predict > 0:
        return min(options.num_predict, bound)
    return max(1, window - num_prompt) if options.num_predict == -2 else bound
