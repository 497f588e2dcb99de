"""What all of tokenizer.json's kinds share: its vocabulary, its merges, its steps in a row."""

from collections.abc import Iterator
from typing import Any

from ollama_nb.errors import Unconvertible

from .vocabulary import MAX_TOKENS, Token

_STEPS = {
    "normalizer": "normalizers", "pre_tokenizer": "pretokenizers",
    "post_processor": "processors", "decoder": "decoders",
}  # fmt: skip


def tokens_of(document: dict[str, Any]) -> dict[int, Token]:
    """The tokens of the model, without the added ones. Raises Unconvertible."""
    tokens: dict[int, Token] = {}
    for text, number in document["model"]["vocab"].items():
        if type(number) is not int or not 0 <= number < MAX_TOKENS or number in tokens:
            raise Unconvertible.tokenizer_format(f"token {text[:40]!r} has the id {number!r}")
        tokens[number] = Token(text)
    if not tokens:
        raise Unconvertible.tokenizer_format("it has no tokens")
    return tokens


def merges_of(document: dict[str, Any]) -> list[tuple[str, str]]:
    """Which parts are put together, most urgent first. Raises Unconvertible."""
    merges = []
    for merge in document["model"].get("merges", ()):
        pair = merge.split(" ") if isinstance(merge, str) else merge
        if len(pair) != 2 or not all(isinstance(part, str) for part in pair):
            raise Unconvertible.tokenizer_format(f"{str(merge)[:40]!r} is no merge of two")
        merges.append((pair[0], pair[1]))
    return merges


def steps_of(document: dict[str, Any], part: str) -> Iterator[dict[str, Any]]:
    """The steps of a normalizer, pre-tokenizer or decoder one by one."""
    waiting = [document.get(part)]
    while waiting:
        step = waiting.pop(0)
        if isinstance(step, dict):
            inner = step.get(_STEPS[part])
            if step.get("type") == "Sequence" and isinstance(inner, list):
                waiting = inner + waiting
            else:
                yield step
