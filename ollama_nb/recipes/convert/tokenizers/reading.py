"""Which kind of tokenizer a checkpoint has, and all that its files say of it."""

from collections.abc import Callable
from typing import Any

from ollama_nb.errors import Unconvertible
from ollama_nb.recipes.convert.checkpoint import Checkpoint
from ollama_nb.recipes.convert.config import Config

from .added import added_tokens
from .byte_level import byte_level, is_byte_level
from .sentence_pieces import pieces_of_merges, pieces_of_model
from .special import added_around, special_ids
from .vocabulary import Vocabulary
from .word_pieces import words_of_lines, words_of_vocabulary

_FILE = "tokenizer.json"


def read_vocabulary(checkpoint: Checkpoint, config: Config) -> Vocabulary:
    """The tokenizer of a checkpoint; ``config`` is its config.json. Raises Unconvertible."""
    try:
        document = checkpoint.document_or_none(_FILE)
        vocabulary = _read(checkpoint, document)
        for number, token in sorted(added_tokens(checkpoint, document).items()):
            vocabulary.add(number, token.text, special=token.special)
            vocabulary.strips |= token.strips
        vocabulary.adds |= added_around(checkpoint, document, vocabulary)
        vocabulary.ids = special_ids(checkpoint, config, vocabulary) | vocabulary.ids
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise Unconvertible.tokenizer_format(f"{type(error).__name__} {error}") from error
    return vocabulary


def _read(checkpoint: Checkpoint, document: dict[str, Any]) -> Vocabulary:
    """As Ollama does: tokenizer.model before tokenizer.json."""
    if "tokenizer.model" in checkpoint:
        return pieces_of_model(checkpoint.read("tokenizer.model"))
    if document:
        return _of_document(document)
    if "vocab.txt" in checkpoint:
        lower = checkpoint.document_or_none("tokenizer_config.json").get("do_lower_case", True)
        return words_of_lines(checkpoint.text("vocab.txt").split("\n"), lower=bool(lower))
    raise Unconvertible.tokenizer_format()


def _of_document(document: dict[str, Any]) -> Vocabulary:
    model = document["model"]
    kind = model.get("type") or ("BPE" if "merges" in model else "")
    read: Callable[[dict[str, Any]], Vocabulary] | None = None
    if kind == "BPE" and is_byte_level(document):
        read = byte_level
    elif kind == "BPE" and model.get("byte_fallback"):
        read = pieces_of_merges
    elif kind == "WordPiece":
        read = words_of_vocabulary
    if read is None:
        raise Unconvertible.tokenizer_format(f"{kind} without bytes" if kind == "BPE" else kind)
    return read(document)
