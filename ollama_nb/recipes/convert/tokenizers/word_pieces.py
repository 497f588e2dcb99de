"""WordPiece, BERT's: here the inside of a word is marked, in a GGUF its beginning."""

from collections.abc import Iterable
from typing import Any, Final

from gguf import TokenType as Kind

from ollama_nb.errors import Unconvertible

from .document import steps_of, tokens_of
from .vocabulary import Token, Vocabulary

_INSIDE: Final = "##"
_BEGINNING: Final = "\u2581"
_CONTROLS: Final = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


def words_of_vocabulary(document: dict[str, Any]) -> Vocabulary:
    """Of tokenizer.json. Raises Unconvertible."""
    prefix = document["model"].get("continuing_subword_prefix", _INSIDE)
    if prefix != _INSIDE:
        raise Unconvertible.tokenizer_format(f"WordPiece with {prefix!r}")
    vocabulary = _vocabulary(tokens_of(document).items())
    for step in steps_of(document, "normalizer"):
        if step.get("type") == "BertNormalizer":
            lower, strip = step.get("lowercase", True), step.get("strip_accents")
            vocabulary.lowers = bool(lower)
            vocabulary.strips_accents = bool(lower if strip is None else strip)
    return vocabulary


def words_of_lines(lines: list[str], *, lower: bool) -> Vocabulary:
    """Of vocab.txt, where the line is the id."""
    words = [line.rstrip("\r") for line in lines]
    while words and not words[-1]:
        words.pop()
    vocabulary = _vocabulary(enumerate(map(Token, words)))
    vocabulary.lowers = vocabulary.strips_accents = lower
    return vocabulary


def _vocabulary(tokens: Iterable[tuple[int, Token]]) -> Vocabulary:
    made = {number: _marked(token.text) for number, token in tokens}
    vocabulary = Vocabulary("bert", "default", made)
    for name, text in (("bos", "[CLS]"), ("eos", "[SEP]")):  # what llama.cpp puts around a text
        number = vocabulary.find(text)
        if number is not None:
            vocabulary.ids[name] = number
    return vocabulary


def _marked(text: str) -> Token:
    if text in _CONTROLS:
        return Token(text, Kind.CONTROL)
    if len(text) > 2 and text.startswith("[") and text.endswith("]"):
        return Token(text, Kind.UNUSED)
    if len(text) > len(_INSIDE) and text.startswith(_INSIDE):
        return Token(text.removeprefix(_INSIDE))
    return Token(_BEGINNING + text)
