"""Tokens with a task, those put around every text, and the chat template."""

from typing import Any, Final

from ollama_nb.recipes.convert.checkpoint import Checkpoint
from ollama_nb.recipes.convert.config import Config

from .added import text_of
from .document import steps_of
from .vocabulary import Vocabulary

_NAMES: Final = {
    "bos": "bos", "eos": "eos", "unk": "unknown", "sep": "seperator", "pad": "padding",
    "cls": "cls", "mask": "mask",
}  # fmt: skip
"""Hugging Face's name of each task, and GGUF's (sic)."""
_FURTHER_ENDS: Final = ("eot", "eom")
"""Where a GGUF can tell of further tokens that end an answer."""


def special_ids(checkpoint: Checkpoint, config: Config, vocabulary: Vocabulary) -> dict[str, int]:
    """By GGUF's name of the task; what tokenizer_config.json says goes before other files."""
    told = checkpoint.document_or_none("tokenizer_config.json")
    generation = Config(checkpoint.document_or_none("generation_config.json"))
    ids: dict[str, int] = {}
    for name, ours in _NAMES.items():
        text = text_of(told.get(f"{name}_token"))
        number = vocabulary.find(text) if text else None
        numbers = _numbers(f"{name}_token_id", generation, config)
        if number is None and numbers:
            number = numbers[0]
        if number is not None:
            ids[ours] = number
    ends = [each for each in _numbers("eos_token_id", generation, config) if each != ids.get("eos")]
    return ids | dict(zip(_FURTHER_ENDS, ends, strict=False))


def _numbers(key: str, *configs: Config) -> list[int]:
    """The ids of the first configuration that has some."""
    for config in configs:
        value = config.raw(key)
        numbers = value if isinstance(value, list) else [value]
        found = [each for each in numbers if type(each) is int and each >= 0]
        if found:
            return found
    return []


def added_around(
    checkpoint: Checkpoint, document: dict[str, Any], vocabulary: Vocabulary
) -> dict[str, bool]:
    """Whether BOS and EOS are put around a text, where the files say so."""
    if vocabulary.model == "bert":
        return {}
    told = checkpoint.document_or_none("tokenizer_config.json")
    adds = _of_template(document) if document else {}
    for name in ("bos", "eos"):
        flag = told.get(f"add_{name}_token")
        if isinstance(flag, bool):
            adds[name] = flag
    return adds


def _of_template(document: dict[str, Any]) -> dict[str, bool]:
    """What tokenizer.json puts before and after one text."""
    around = {"bos": False, "eos": False}
    for step in steps_of(document, "post_processor"):
        if step.get("type") == "TemplateProcessing" and step["single"]:
            around["bos"] |= "SpecialToken" in step["single"][0]
            around["eos"] |= "SpecialToken" in step["single"][-1]
    return around


def chat_template(checkpoint: Checkpoint) -> str:
    """The Jinja text, "" for none."""
    if "chat_template.jinja" in checkpoint:
        return checkpoint.text("chat_template.jinja")
    for name in ("tokenizer_config.json", "chat_template.json"):
        value = checkpoint.document_or_none(name).get("chat_template")
        if isinstance(value, list):
            named = {each.get("name"): each for each in value if isinstance(each, dict)}
            value = named.get("default", {}).get("template")
        if isinstance(value, str) and value:
            return value
    return ""
