"""The verb generate: a prompt, or what stands between two texts (reference: Ollama API, 6)."""

from collections.abc import Sequence
from typing import ClassVar

from ollama_nb.engine.scheduler import Scheduler
from ollama_nb.engine.sequence import Finish, Piece
from ollama_nb.errors import BadRequest, UnsupportedCapability
from ollama_nb.prompt.chat_data import Message
from ollama_nb.prompt.images import mark_images
from ollama_nb.prompt.parsers import Parsed
from ollama_nb.store import Model, Store
from ollama_nb.wire import GenerateRequest, GenerateResponse
from ollama_nb.wire.durations import now_utc
from ollama_nb.wire.fold import fold_generate

from .completion import Completion
from .finding import find_model
from .gap import write_gap
from .logprobs import named_logprobs
from .prompt import Prompt, PromptWriter, Written
from .stream import Stream
from .turns import opening


def generate(
    store: Store, scheduler: Scheduler, request: GenerateRequest, *, owner: str, arrived_ns: int
) -> Stream[GenerateResponse]:
    """Answer ``request``, which arrived at ``arrived_ns`` (perf_counter). See Service.generate."""
    return _Generation(request, arrived_ns).stream(store, scheduler, owner)


class _Generation(Completion[GenerateRequest, GenerateResponse]):
    """A prompt on its way to an answer."""

    verb: ClassVar[str] = "generate"
    fold = staticmethod(fold_generate)

    def __init__(self, request: GenerateRequest, arrived_ns: int) -> None:
        super().__init__(request, arrived_ns)
        self.template = request.template
        self.is_raw = request.raw
        self.before = request.context or ()

    @property
    def is_empty(self) -> bool:
        return not self.request.prompt

    @property
    def images(self) -> Sequence[str]:
        return self.request.images or ()

    def size(self) -> int:
        request = self.request
        return len(request.prompt) + len(request.suffix) + len(request.system)

    def find(self, store: Store) -> Model:
        return find_model(store, self.request.model)

    def check_abilities(self, model: Model) -> None:
        request = self.request
        if request.raw and (request.template or request.system or request.context):
            raise BadRequest("raw mode does not support template, system, or context")
        super().check_abilities(model)
        if request.suffix and "insert" not in model.capabilities:
            raise UnsupportedCapability.named(model.name.full, "insert")

    def write(self, writer: PromptWriter, model: Model) -> Written:
        request = self.request
        if request.suffix:
            by_template = not request.raw
            return write_gap(writer, model, request.prompt, request.suffix, by_template=by_template)
        prompt = mark_images(request.prompt, len(self.images))
        if request.raw:
            return writer.text(prompt)
        stored = () if request.context else model.messages
        before = opening(request.system or model.system, stored)
        return writer.chat([*before, Message("user", prompt)])

    def bare(self, reason: str) -> GenerateResponse:
        return GenerateResponse(
            model=self.request.model, created_at=now_utc(), response="", done=True,
            done_reason=reason,
        )  # fmt: skip

    def rendered(self, written: Written) -> GenerateResponse:
        answer = self.bare("")
        answer.debug_info = written.debug_info
        return answer

    def chunk(self, parsed: Parsed, event: Piece, prompt: Prompt) -> GenerateResponse | None:
        if not (parsed.thinking or parsed.text or event.logprobs):
            return None
        return GenerateResponse(
            model=self.request.model,
            created_at=now_utc(),
            response=parsed.text,
            thinking=parsed.thinking,
            done=False,
            logprobs=named_logprobs(event.logprobs),
        )

    def last(self, parsed: Parsed, end: Finish, prompt: Prompt) -> GenerateResponse:
        return GenerateResponse(
            model=self.request.model,
            created_at=now_utc(),
            response=parsed.text,
            thinking=parsed.thinking,
            done=True,
            done_reason=end.done_reason,
            context=None if self.is_raw else [*prompt.context, *end.tokens],
            **self.counts(end),
            sample_count=end.sample_count,
            sample_duration=end.sample_ns,
            logprobs=named_logprobs(end.logprobs),
        )
