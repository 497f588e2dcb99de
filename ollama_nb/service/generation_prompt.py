"""What generate gives the engine: text by the model's template, then tokens that fit the window.

Section numbers are those of the Ollama API reference (6.3 to 6.5, 8.5).
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ollama_nb.engine.host import LoadedModel
from ollama_nb.engine.scheduler import Lease
from ollama_nb.engine.sequence import Picture
from ollama_nb.errors import ContextTooLong, OllamaError, UnsupportedCapability
from ollama_nb.prompt.chat_data import Message
from ollama_nb.prompt.images import mark_images, named_images, split_images, without_marks
from ollama_nb.prompt.shield import parts, shield
from ollama_nb.store import Model
from ollama_nb.wire import GenerateRequest, Options

from .rendering import Renderer, renderer_for


@dataclass(frozen=True)
class GenerationPrompt:
    """A prompt ready for the engine."""

    text: str
    """As rendered, for ``_debug_render_only``."""
    tokens: list[int]
    images: tuple[Picture, ...]
    """Those that ``tokens`` stand for, in their order."""
    num_keep: int
    """How many leading tokens survive when the window slides."""
    thinking_tags: tuple[str, str]
    splits_thinking: bool
    opens_thinking: bool
    """Whether the answer begins inside thinking."""

    @property
    def context(self) -> list[int]:
        """The tokens that a later request can be given back: those of text."""
        return [token for token in self.tokens if token >= 0]


class _Written(NamedTuple):
    """A prompt as text and as tokens."""

    text: str
    tokens: list[int]
    images: tuple[Picture, ...] = ()


def build_prompt(
    request: GenerateRequest, model: Model, options: Options, lease: Lease, *,
    images: tuple[Picture, ...], think: bool,
) -> GenerationPrompt:  # fmt: skip
    """Render, tokenize and fit.

    Raises ContextTooLong, TemplateError, TemplateFailed, UnsupportedCapability.
    """
    runner = lease.runner
    renderer = renderer_for(request, model, runner.vocabulary, think=think)
    if request.suffix:
        written = _write_gap(request, model, runner, renderer, lease.window)
    elif request.raw:
        text = mark_images(request.prompt, len(images))
        written = _tokenized(text, request, runner, images)
    else:
        messages = _messages(request, model, len(images))
        written = _write_chat(messages, request, lease, renderer, images)
    num_keep = len(written.tokens) if options.num_keep < 0 else options.num_keep
    if runner.vocabulary.adds_bos:
        num_keep += 1
    knows_thinking = renderer.knows_thinking or (
        renderer.template is not None and renderer.template.thinking_tags is not None
    )
    opens = knows_thinking and written.text.rstrip().endswith(renderer.thinking_tags[0])
    return GenerationPrompt(
        text=named_images("".join(parts(written.text))),
        tokens=_fit(written.tokens, lease.window, num_keep, request),
        images=written.images,
        num_keep=num_keep,
        thinking_tags=renderer.thinking_tags,
        splits_thinking=think or (opens and not request.raw),
        opens_thinking=opens,
    )


def _messages(request: GenerateRequest, model: Model, num_images: int) -> list[Message]:
    """System, stored messages and the prompt as one user message (6.3)."""
    messages: list[Message] = []
    system = request.system or model.system
    if system:
        messages.append(Message("system", without_marks(system)))
    if not request.context:
        messages += [Message(one.role, without_marks(one.content)) for one in model.messages]
    return [*messages, Message("user", mark_images(request.prompt, num_images))]


def _write_chat(
    messages: Sequence[Message], request: GenerateRequest, lease: Lease, renderer: Renderer,
    images: tuple[Picture, ...],
) -> _Written:  # fmt: skip
    """Render; what does not fit loses its oldest messages, but for the system's (8.5)."""
    limit = lease.window - 1
    last = len(messages) - 1

    def write(start: int) -> _Written:
        kept = [one for one in messages[:start] if one.role == "system"]
        text = renderer.chat([*kept, *messages[start:]])
        return _tokenized(text, request, lease.runner, images)

    def fits(start: int) -> bool:
        try:
            return len(write(start).tokens) <= limit
        except OllamaError:  # a template that wants a user's message first, say
            return False

    written = write(0)
    if len(written.tokens) <= limit or not request.truncate or last == 0:
        return written
    return write(1 + bisect_left(range(1, last), True, key=fits))


def _tokenized(
    text: str, request: GenerateRequest, runner: LoadedModel, images: tuple[Picture, ...]
) -> _Written:
    """Tokens of a text, after those of the conversation that it continues."""
    pieces = _pieces(text, images)
    before = list(request.context or ())
    runner.detokenize(before)  # an id outside the vocabulary is an error here
    tokens = [*before, *runner.tokenize(pieces, start=not before)]
    return _Written(text, tokens, tuple(one for one in pieces if isinstance(one, Picture)))


def _write_gap(
    request: GenerateRequest, model: Model, runner: LoadedModel, renderer: Renderer, window: int
) -> _Written:
    """Ask by the template, if it knows how and all fits, else by the vocabulary's tokens (6.4)."""
    text = None if request.raw else renderer.gap(request.prompt, request.suffix)
    if text is not None:
        tokens = runner.tokenize(parts(text), start=True)
        if len(tokens) < window or runner.vocabulary.infill is None:
            return _Written(text, tokens)
    return _Written(text or "", _infill(request, model, runner, window))


def _pieces(text: str, images: tuple[Picture, ...]) -> list[str | Picture]:
    """Cut a rendered prompt into what is tokenized piece by piece."""
    pieces = [piece for part in parts(text) for piece in split_images(part, len(images))] or [""]
    return [images[piece] if isinstance(piece, int) else piece for piece in pieces]


def _infill(request: GenerateRequest, model: Model, runner: LoadedModel, window: int) -> list[int]:
    """Prefix, suffix and middle by the vocabulary's own tokens; nothing else takes part (6.4)."""
    infill = runner.vocabulary.infill
    if infill is None:
        raise UnsupportedCapability.named(model.name.full, "insert")
    prefix, suffix, middle = infill
    controls = runner.vocabulary.controls
    before = runner.tokenize(parts(shield(request.prompt, controls)), start=False)
    after = runner.tokenize(parts(shield(request.suffix, controls)), start=False)
    start = runner.tokenize([""], start=True)
    before, after = _fit_around(before, after, max(0, window - 4 - len(start)), request)
    return [*start, prefix, *before, suffix, *after, middle]


def _fit_around(
    before: list[int], after: list[int], limit: int, request: GenerateRequest
) -> tuple[list[int], list[int]]:
    """Keep what stands nearest to the gap: at most half the room for the suffix."""
    if len(before) + len(after) <= limit:
        return before, after
    if not (request.truncate and request.shift):
        raise ContextTooLong
    after = after[: max(limit // 2, limit - len(before))]
    return before[len(before) - max(0, limit - len(after)) :], after


def _fit(tokens: list[int], window: int, num_keep: int, request: GenerateRequest) -> list[int]:
    """Cut a prompt that fills the window to its head and the newest of the rest (8.5).

    One with images is not cut: half of an image means nothing.
    """
    limit = window - 1
    if len(tokens) <= limit:
        return tokens
    if not (request.truncate and request.shift) or min(tokens) < 0:
        raise ContextTooLong
    keep = min(num_keep, limit - 1)
    size = max(window - max((window - keep) // 2, 1), keep + 1)
    return tokens[:keep] + tokens[len(tokens) - (size - keep) :]
