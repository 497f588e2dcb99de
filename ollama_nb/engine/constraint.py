"""Structured output: which tokens keep an answer inside its JSON schema, by llguidance.

llama.cpp's own grammar sampler is not used: it costs over 100 ms a token on a large vocabulary, and
a bad grammar ends the process. Here a mask is computed beside the model and laid over the logits
(engine notes, 4).
"""

import json
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
from llguidance import LLMatcher, LLParserLimits, LLTokenizer
from numpy.typing import NDArray

from ollama_nb.errors import BadRequest, EngineError
from ollama_nb.wire.schema_nodes import escaped, schemas

from .one_of import settle_one_of
from .patterns import mend_patterns, mended
from .sequence import FreePart

_GAP = r"[ \t\r\n]{0,20}"
"""White space between parts; models that may write more of it never stop."""
_OPTIONS = {
    "whitespace_pattern": _GAP,
    # Without \u, by which a key could be written otherwise and pass for an additional one.
    "json_allowed_escapes": 'nrbtf\\"',
}
_LIMITS = LLParserLimits(max_items_in_row=100_000, step_max_items=1_000_000)
"""Above what our schemas reach: beyond the usual 2000 an answer ended in the middle."""
_FAULT = re.compile(r"regex parse error:\n {4}(.*)\n *\^+\nerror: (.*)")
_ENGLISH = {"not", "if"}
"""Keywords that an error says in passing."""
_PHRASES = {
    "Anchor": "$ref",
    "Invalid URI": "$id",
    "URI reference": "$ref",
    "Pointer": "$ref",
    "circular references": "$ref",
    "min/max": "minProperties",
    "patternProperty": "patternProperties",
    "regex parse error": "pattern",
}
"""Other names that errors have for keywords."""


class Constraint:
    """The state of one answer within its schema."""

    def __init__(self, tokenizer: LLTokenizer, schema: dict[str, Any], free: FreePart) -> None:
        """Compile ``schema``; it holds from the end of the free part on.

        Raises BadRequest with llguidance's words for what it cannot do.
        """
        self._matcher = _matcher(tokenizer, schema, FreePart())
        # Some schemas compile and turn out to allow nothing, such as one that is only itself.
        allows = any(self._matcher.compute_bitmask())
        words = _words(self._matcher.get_error())
        if words and not words.startswith("NoExtension"):
            raise BadRequest(f"invalid format: the schema asks for too much: {words}")
        if words or not allows:
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
    text = grammar(tokenizer, schema, free)
    matcher = LLMatcher(tokenizer, text, log_level=0, limits=_LIMITS)
    if matcher.is_error():
        raise BadRequest(f"invalid format: {_explained(matcher.get_error(), schema)}")
    return matcher


def grammar(tokenizer: LLTokenizer, schema: dict[str, Any], free: FreePart) -> str:
    """Write the grammar: the free part if there is one, then the schema's JSON and no more."""
    lines = [f"answer: %json {json.dumps(_plain(schema) | {'x-guidance': _OPTIONS})}"]
    if not free.end:
        return "\n".join(["start: answer", *lines])
    first, *rest = _written(tokenizer, free.end)
    if first.startswith("<"):
        lines += [f"before: FREE {' '.join([first, *rest])}", r"FREE: /(.|\n)*/"]
    else:
        lines += [f"before: head {' '.join(rest)}", f"head[lazy]: /(.|\\n)*/ {first}"]
    start = "start: before GAP answer"
    if free.begin:
        begin = " ".join(_written(tokenizer, free.begin))
        start = f"start: {begin} before GAP answer | answer"
    return "\n".join([start, f"GAP: /{_GAP}/", *lines])


def _plain(schema: dict[str, Any]) -> dict[str, Any]:
    """The same in words that llguidance keeps to; its schemas stand in the same order."""
    plain: dict[str, Any] = json.loads(json.dumps(schema))  # faster than copy.deepcopy
    places = dict(schemas(plain))
    settle_one_of(places)
    mend_patterns(places.values())
    return plain


def _written(tokenizer: LLTokenizer, text: str) -> list[str]:
    """How a grammar writes a text: special tokens by their ids, and quoted what is between them."""
    parts: list[str] = []
    plain: list[int] = []

    def quote() -> None:
        if plain:
            parts.append(json.dumps(tokenizer.decode_str(plain)))
            plain.clear()

    for token in tokenizer.tokenize_str(text, parse_special=True):
        if tokenizer.is_special_token(token):
            quote()
            parts.append(f"<[{token}]>")
        else:
            plain.append(token)
    quote()
    return parts


def _words(error: str) -> str:
    """What llguidance says, without where in our grammar it was said."""
    words = error.strip().partition("\n")[0].rpartition("failed to compile JSON schema: ")[2]
    if words.startswith("panic"):
        return "the schema asks for too much"
    return "it is no JSON" if "%json" in words else words


def _explained(error: str, schema: dict[str, Any]) -> str:
    """Add where that stands which cannot be done, as far as llguidance tells."""
    words = _words(error)
    patterns = list(_patterns(schema))
    if fault := _FAULT.search(error):
        words = f"regex parse error: {fault[2]}"
        # A line break is shown as its escape.
        found = (at for at, one in patterns if mended(one).replace("\n", "\\n") == fault[1])
        place = next(found, None)
    elif words.startswith("oneOf"):
        words = "oneOf works only where no value can fit two of its choices"
        pairs = zip(schemas(schema), schemas(_plain(schema)), strict=True)
        place = next((at for (at, _), (_, node) in pairs if "oneOf" in node), None)
    else:
        for _, one in patterns:
            words = words.replace(mended(one), one)
        place = None if "Unsatisfiable" in words else _place(words, schema)
    return words if place is None else f"{words} at #{place}"


def _patterns(schema: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Every pattern with its pointer."""
    for at, node in schemas(schema):
        if isinstance(node.get("pattern"), str):
            yield f"{at}/pattern", node["pattern"]
        if isinstance(node.get("patternProperties"), dict):
            for one in node["patternProperties"]:
                yield f"{at}/patternProperties/{escaped(one)}", one


def _place(words: str, schema: dict[str, Any]) -> str | None:
    """Where the words' keywords stand: rather one whose value is told too, rather more of them."""
    listed = words.partition("Unimplemented keys:")[2]
    told = set(re.findall(r"[$\w]+", listed or words)) - (set() if listed else _ENGLISH)
    told |= {keyword for phrase, keyword in _PHRASES.items() if phrase in words}
    found = [(at, node, told & node.keys()) for at, node in schemas(schema)]
    best = max(found, key=lambda one: (_tells(words, one[1], one[2]), len(one[2])))
    return best[0] if best[2] else None


def _tells(words: str, node: dict[str, Any], keywords: set[str]) -> bool:
    values = [str(node[keyword]).lstrip("#") for keyword in keywords]
    return any(re.search(rf"(?<!\w){re.escape(one)}(?!\w)", words) for one in values if one)
