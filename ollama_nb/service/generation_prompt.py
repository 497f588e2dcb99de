"""What generate gives the engine: text by the model's template, then tokens that fit the window.

Section numbers are those of the Ollama API reference (6.3 to 6.5, 8.5).
"""

from dataclasses import dataclass
from typing import Any

from ollama_nb.engine.host import LoadedModel
from ollama_nb.engine.scheduler import Lease
from ollama_nb.errors import ContextTooLong, UnsupportedCapability
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
    num_keep: int
    """How many leading tokens survive when the window slides."""
    splits_thinking: bool
    opens_thinking: bool
    """Whether the answer begins inside thinking."""


def build_prompt(
    request: GenerateRequest, model: Model, options: Options, lease: Lease, *, think: bool
) -> GenerationPrompt:
    """Render, tokenize and fit. Raises ContextTooLong, TemplateFailed, UnsupportedCapability."""
    runner = lease.runner
    if request.suffix:
        text = ""
        tokens = _infill(request, model, runner, lease.window)
    else:
        text = request.prompt if request.raw else _render(request, model, runner, think=think)
        tokens = [*(request.context or ()), *_tokenize(text, runner, start=not request.context)]
        runner.detokenize(request.context or [])  # an id outside the vocabulary is an error here
    num_keep = len(tokens) if options.num_keep < 0 else options.num_keep
    if runner.vocabulary.adds_bos:
        num_keep += 1
    opens = text.rstrip().endswith(OPEN)
    return GenerationPrompt(
        text="".join(parts(text)),
        tokens=_fit(tokens, lease.window, num_keep, request),
        num_keep=num_keep,
        splits_thinking=think or (opens and not request.raw),
        opens_thinking=opens,
    )


def _render(request: GenerateRequest, model: Model, runner: LoadedModel, *, think: bool) -> str:
    """Apply the chat template to system, stored messages and the prompt as one user message."""
    controls = runner.vocabulary.controls
    messages: list[dict[str, Any]] = []
    system = request.system or model.system
    if system:
        messages.append({"role": "system", "content": system})
    if not request.context:
        messages += [{"role": one.role, "content": one.content} for one in model.messages]
    messages.append({"role": "user", "content": request.prompt})
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


def _tokenize(text: str, runner: LoadedModel, *, start: bool) -> list[int]:
    return runner.tokenize(parts(text), start=start)


def _infill(request: GenerateRequest, model: Model, runner: LoadedModel, window: int) -> list[int]:
    """Prefix, suffix and middle by the vocabulary's own tokens; nothing else takes part (6.4)."""
    infill = runner.vocabulary.infill
    if infill is None:
        raise UnsupportedCapability.named(model.name.full, "insert")
    prefix, suffix, middle = infill
    controls = runner.vocabulary.controls
    before = _tokenize(shield(request.prompt, controls), runner, start=False)
    after = _tokenize(shield(request.suffix, controls), runner, start=False)
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
    """Cut a prompt that fills the window to its head and the newest of the rest (8.5)."""
    limit = window - 1
    if len(tokens) <= limit:
        return tokens
    if not (request.truncate and request.shift):
        raise ContextTooLong
    keep = min(num_keep, limit - 1)
    size = max(window - max((window - keep) // 2, 1), keep + 1)
    return tokens[:keep] + tokens[len(tokens) - (size - keep) :]
