"""Prompts that ask for what stands between two texts (reference: Ollama API, 6.4)."""

from ollama_nb.errors import ContextTooLong, UnsupportedCapability
from ollama_nb.prompt.shield import parts, shield
from ollama_nb.store import Model

from .prompt import PromptWriter, Written


def write_gap(
    writer: PromptWriter, model: Model, before: str, after: str, *, by_template: bool
) -> Written:
    """Ask by the template, if it knows how and all fits, else by the vocabulary's tokens.

    Raises UnsupportedCapability, ContextTooLong, TemplateError.
    """
    text = writer.renderer.gap(before, after) if by_template else None
    if text is not None:
        tokens = writer.runner.tokenize(parts(text), start=True)
        if len(tokens) < writer.window or writer.runner.vocabulary.infill is None:
            return Written(text, tokens)
    return Written(text or "", _infill(writer, model, before, after))


def _infill(writer: PromptWriter, model: Model, before: str, after: str) -> list[int]:
    """Prefix, suffix and middle by the vocabulary's own tokens; nothing else takes part."""
    runner = writer.runner
    infill = runner.vocabulary.infill
    if infill is None:
        raise UnsupportedCapability.named(model.name.full, "insert")
    prefix, suffix, middle = infill
    controls = runner.vocabulary.controls
    head = runner.tokenize(parts(shield(before, controls)), start=False)
    tail = runner.tokenize(parts(shield(after, controls)), start=False)
    start = runner.tokenize([""], start=True)
    room = max(0, writer.window - 4 - len(start))
    if len(head) + len(tail) > room:
        if not (writer.truncate and writer.shift):
            raise ContextTooLong
        head, tail = fit_around(head, tail, room)
    return [*start, prefix, *head, suffix, *tail, middle]


def fit_around(head: list[int], tail: list[int], room: int) -> tuple[list[int], list[int]]:
    """Keep what stands nearest to the gap: at most half the room for what follows it."""
    if len(head) + len(tail) <= room:
        return head, tail
    tail = tail[: max(room // 2, room - len(head))]
    return head[len(head) - max(0, room - len(tail)) :], tail
