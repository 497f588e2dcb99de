"""What generate gives the engine: text by the model's template, then tokens that fit the window.

Section numbers are those of the Ollama API reference (6.3 to 6.5, 8.5).
"""

from dataclasses import dataclass
from typing import Any

from ollama_nb.engine.host import LoadedModel
from ollama_nb.engine.scheduler import Lease
from ollama_nb.engine.sequence import Picture
from ollama_nb.errors import ContextTooLong, UnsupportedCapability
from ollama_nb.prompt.images import mark_images, named_images, split_images, without_marks
from ollama_nb.prompt.jinja import render_jinja
from ollama_nb.prompt.shield import parts, shield
from ollama_nb.prompt.thinking import OPEN
from ollama_nb.store import Model
from ollama_nb.wire import GenerateRequest, Options


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
    splits_thinking: bool
    opens_thinking: bool
    """Whether the answer begins inside thinking."""

    @property
    def context(self) -> list[int]:
        """The tokens that a later request can be given back: those of text."""
        return [token for token in self.tokens if token >= 0]


def build_prompt(
    request: GenerateRequest, model: Model, options: Options, lease: Lease, *,
    images: tuple[Picture, ...], think: bool,
) -> GenerationPrompt:  # fmt: skip
    """Render, tokenize and fit. Raises ContextTooLong, TemplateFailed, UnsupportedCapability."""
    runner = lease.runner
    seen: tuple[Picture, ...] = ()
    if request.suffix:
        text = ""
        tokens = _infill(request, model, runner, lease.window)
    else:
        text = mark_images(request.prompt, len(images))
        if not request.raw:
            text = _render(text, request, model, runner, think=think)
        pieces = _pieces(text, images)
        seen = tuple(piece for piece in pieces if isinstance(piece, Picture))
        tokens = [
            *(request.context or ()), *runner.tokenize(pieces, start=not request.context)
        ]  # fmt: skip
        runner.detokenize(request.context or [])  # an id outside the vocabulary is an error here
    num_keep = len(tokens) if options.num_keep < 0 else options.num_keep
    if runner.vocabulary.adds_bos:
        num_keep += 1
    opens = text.rstrip().endswith(OPEN)
    return GenerationPrompt(
        text=named_images("".join(parts(text))),
        tokens=_fit(tokens, lease.window, num_keep, request),
        images=seen,
        num_keep=num_keep,
        splits_thinking=think or (opens and not request.raw),
        opens_thinking=opens,
    )


def _render(
    prompt: str, request: GenerateRequest, model: Model, runner: LoadedModel, *, think: bool
) -> str:
    """Apply the chat template to system, stored messages and the prompt as one user message."""
    controls = runner.vocabulary.controls
    messages: list[dict[str, Any]] = []
    system = request.system or model.system
    if system:
        messages.append({"role": "system", "content": system})
    if not request.context:
        messages += [{"role": one.role, "content": one.content} for one in model.messages]
    for message in messages:
        message["content"] = without_marks(message["content"])
    messages.append({"role": "user", "content": prompt})
    for message in messages:
        message["content"] = shield(message["content"], controls)
    template = model.header.chat_template
    if not template:
        return "\n\n".join(message["content"] for message in messages)
    variables = {
        "messages": messages,
        "add_generation_prompt": True,
        "bos_token": runner.vocabulary.bos,
        "eos_token": runner.vocabulary.eos,
    }
    if "thinking" in model.capabilities:
        variables |= {"enable_thinking": think, "thinking": think}
    return render_jinja(template, variables)


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
    before, after = _fit_around(before, after, window - 4, request)
    return [prefix, *before, suffix, *after, middle]


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
