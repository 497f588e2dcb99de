"""Byte-level BPE: GPT-2's, and what came after it with other rules for cutting into words."""

import hashlib
import logging
from typing import Any, Final

from .document import merges_of, steps_of, tokens_of
from .vocabulary import Vocabulary

_log = logging.getLogger(__name__)

_NO_SPLIT: Final = hashlib.sha256().hexdigest()
_RULES: Final = {
    "d98f9631be1e9607a9848c26c1f9eac1aa9fc21ac6ba82a2fc0741af9780a48f": "llama-bpe",
    "03df5c5863ad70781dcfdef491ead25140f895fe8010964be0daefe27be32b02": "deepseek-llm",
    "21cde974d587f0d54dc8d56b183cc1e6239600172035c68fbd6d4b9f8da0576e": "deepseek-coder",
    "1ff7f41064896984db5d1bb6ff64fa4bc29007d08c1b439e505b7392777a319e": "qwen2",
    "1d64a9a8eaf9f1bd80331984d81fdd514e7feafe8df83a525dd31472f275699a": "tekken",
}
"""llama.cpp's names by the SHA-256 of the expressions that cut texts into words."""
_UNKNOWN: Final = "default"
_GPT2: Final = "gpt-2"


def is_byte_level(document: dict[str, Any]) -> bool:
    """Whether tokens are bytes written as characters."""
    steps = [*steps_of(document, "pre_tokenizer"), *steps_of(document, "decoder")]
    return any(step.get("type") == "ByteLevel" for step in steps)


def byte_level(document: dict[str, Any]) -> Vocabulary:
    """The vocabulary of such a tokenizer.json."""
    merges = [f"{first} {second}" for first, second in merges_of(document)]
    return Vocabulary("gpt2", _rule(document), tokens_of(document), merges)


def _rule(document: dict[str, Any]) -> str:
    """llama.cpp's name for the rule by which texts are cut into words."""
    digest = hashlib.sha256()
    gpt2 = False
    for step in steps_of(document, "pre_tokenizer"):
        if step.get("type") == "Split":
            digest.update(step["pattern"].get("Regex", "").encode())
        gpt2 |= step.get("type") == "ByteLevel" and step.get("use_regex", True)
    if digest.hexdigest() == _NO_SPLIT:
        return _GPT2 if gpt2 else _UNKNOWN
    if digest.hexdigest() not in _RULES:
        _log.warning("unknown pre-tokenizer %s, texts may be cut otherwise", digest.hexdigest())
    return _RULES.get(digest.hexdigest(), _UNKNOWN)
