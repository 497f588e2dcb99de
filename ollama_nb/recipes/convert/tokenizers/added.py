"""Tokens added to a finished vocabulary. Three files tell of them, the newest most."""

from typing import Any, NamedTuple

from ollama_nb.recipes.convert.checkpoint import Checkpoint


class Added(NamedTuple):
    """``special``: one that controls the model; ``strips``: it takes following white space."""

    text: str
    special: bool
    strips: bool = False


def added_tokens(checkpoint: Checkpoint, document: dict[str, Any]) -> dict[int, Added]:
    """By their ids. ``document`` is tokenizer.json."""
    config = checkpoint.document_or_none("tokenizer_config.json")
    named = set(_named(config)) | set(
        _named(checkpoint.document_or_none("special_tokens_map.json"))
    )
    found = {
        number: Added(text, text in named)
        for text, number in checkpoint.document_or_none("added_tokens.json").items()
    }
    for number, entry in (config.get("added_tokens_decoder") or {}).items():
        found[int(number)] = _added(entry)
    for entry in document.get("added_tokens") or ():
        found[entry["id"]] = _added(entry)
    return {_whole(number): token for number, token in found.items()}


def _added(entry: dict[str, Any]) -> Added:
    text = entry["content"]
    if not isinstance(text, str) or not text:
        raise ValueError("an added token is not a text")
    return Added(text, bool(entry.get("special")), bool(entry.get("rstrip")))


def _whole(number: object) -> int:
    if isinstance(number, bool) or not isinstance(number, int):
        raise TypeError("the id of an added token is no number")
    return number


def _named(config: dict[str, Any]) -> list[str]:
    """The texts of tokens that have a task."""
    values = [value for key, value in config.items() if key.endswith("_token")]
    values += config.get("additional_special_tokens") or []
    return [text for text in map(text_of, values) if text]


def text_of(value: object) -> str:
    """A token's text, given as such or as an object; "" for none."""
    if isinstance(value, dict):
        value = value.get("content")
    return value if isinstance(value, str) else ""
