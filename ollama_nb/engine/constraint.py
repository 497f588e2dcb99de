"""Structured output: which tokens keep an answer inside its JSON schema, by llguidance.

llama.cpp's own grammar sampler is not used: it costs over 100 ms a token on a large vocabulary, and
a bad grammar ends the process. Here a mask is computed beside the model and laid over the logits
(engine notes, 4).
"""

import json
import re
from typing import Any

import numpy as np
from llguidance import LLMatcher, LLTokenizer
from numpy.typing import NDArray

from ollama_nb.errors import BadRequest, EngineError
from ollama_nb.wire.schema import nodes

from .sequence import FreePart

_GAP = r"[ \t\r\n]{0,20}"
"""White space between parts; models that may write more of it never stop."""


class Constraint:
    """The state of one answer within its schema."""

    def __init__(self, tokenizer: LLTokenizer, schema: dict[str, Any], free: FreePart) -> None:
        """Compile ``schema``; it holds from the end of the free part on.

        Raises BadRequest with llguidance's words for what it cannot do.
        """
        self._matcher = _matcher(tokenizer, schema, FreePart())
        # Some schemas compile and turn out to allow nothing, such as one that is only itself.
        if not any(self._matcher.compute_bitmask()) or self._matcher.is_error():
            raise BadRequest("invalid format: no answer fits the schema")
        if free.end:
            self._matcher = _matcher(tokenizer, schema, free)

    def restrict(self, logits: NDArray[np.float32]) -> None:
        """Forbid, in place, every token that would lead out of the schema."""
        mask = np.frombuffer(self._matcher.compute_bitmask(), np.uint8)
        allowed = np.unpackbits(mask, count=len(logits), bitorder="little").view(bool)
        logits[~allowed] = -np.inf

    def accept(self, token: int) -> bool:
        """Take the token that was drawn. True: the answer is complete. Raises EngineError."""
        if not self._matcher.consume_token(token):
            raise EngineError(f"structured output: {_words(self._matcher.get_error())}")
        return self._matcher.is_stopped()


def _matcher(tokenizer: LLTokenizer, schema: dict[str, Any], free: FreePart) -> LLMatcher:
    matcher = LLMatcher(tokenizer, grammar(tokenizer, schema, free), log_level=0)
    if matcher.is_error():
        raise BadRequest(f"invalid format: {_explained(matcher.get_error(), schema)}")
    return matcher


def grammar(tokenizer: LLTokenizer, schema: dict[str, Any], free: FreePart) -> str:
    """Write the grammar: the free part if there is one, then the schema's JSON and no more."""
    options = {"x-guidance": {"whitespace_pattern": _GAP}}
    lines = [f"answer: %json {json.dumps(schema | options)}"]
    if not free.end:
        return "\n".join(["start: answer", *lines])
    end = _special(tokenizer, free.end)
    if end:
        lines += [f"before: FREE {end}", r"FREE: /(.|\n)*/"]
    else:
        lines += [f"before[lazy]: /(.|\\n)*/ {json.dumps(free.end)}"]
    start = "start: before GAP answer"
    if free.begin:
        begin = _special(tokenizer, free.begin) or json.dumps(free.begin)
        start = f"start: {begin} before GAP answer | answer"
    return "\n".join([start, f"GAP: /{_GAP}/", *lines])


def _special(tokenizer: LLTokenizer, text: str) -> str:
    """How a grammar names the special token with this text; empty if it is none."""
    tokens = tokenizer.tokenize_str(text, parse_special=True)
    return text if len(tokens) == 1 and tokenizer.is_special_token(tokens[0]) else ""


def _words(error: str) -> str:
    """What llguidance says, without where in our grammar it was said."""
    return error.strip().partition("\n")[0].rpartition("failed to compile JSON schema: ")[2]


def _explained(error: str, schema: dict[str, Any]) -> str:
    """Add where the keyword stands that cannot be done."""
    words = _words(error)
    keywords = re.findall(r'"(\w+)"', words.partition("Unimplemented keys:")[2])
    places = [at for at, node in nodes(schema) if isinstance(node, dict) and {*keywords} & {*node}]
    return f"{words} at #{places[0]}" if places else words
