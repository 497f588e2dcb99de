"""SentencePiece: pieces with scores, from its own file or as tokenizer.json tells them again."""

import math
from typing import Any, Final

from gguf import TokenType as Kind
from google.protobuf.message import DecodeError

from ollama_nb.errors import Unconvertible

from .document import merges_of, steps_of, tokens_of
from .piece_model import BYTE_PAIRS, PieceModel
from .vocabulary import Token, Vocabulary

_SPACE: Final = "\u2581"
_MODEL, _PRE = "llama", "default"

_MOST_BYTES = 32 << 20


def pieces_of_model(data: bytes) -> Vocabulary:
    """Of tokenizer.model. Raises Unconvertible."""
    if len(data) > _MOST_BYTES:
        raise Unconvertible.tokenizer_format("tokenizer.model is larger than 32 MiB")
    try:
        model = PieceModel.FromString(data)
    except DecodeError as error:
        raise Unconvertible.tokenizer_format("tokenizer.model cannot be read") from error
    if model.trainer_spec.model_type != BYTE_PAIRS:
        raise Unconvertible.tokenizer_format("SentencePiece of another kind than BPE")
    tokens = {}
    for number, piece in enumerate(model.pieces):
        if not math.isfinite(piece.score):
            raise Unconvertible.tokenizer_format(f"piece {number} has the score {piece.score}")
        kind = Kind(piece.type)
        text = piece.piece.replace(_SPACE, " ") if kind == Kind.USER_DEFINED else piece.piece
        tokens[number] = Token(text, kind, piece.score)
    return Vocabulary(_MODEL, _PRE, tokens, prefixed=bool(model.normalizer_spec.add_dummy_prefix))


def pieces_of_merges(document: dict[str, Any]) -> Vocabulary:
    """Of a tokenizer.json: the order of its merges is the order of the scores."""
    tokens = tokens_of(document)
    ranks: dict[str, int] = {}
    for rank, (first, second) in enumerate(merges_of(document)):
        ranks.setdefault(first + second, rank)
    for token in tokens.values():
        token.score = -float(ranks.get(token.text, len(ranks)))
        if len(token.text) == 6 and token.text.startswith("<0x") and token.text.endswith(">"):
            token.kind = Kind.BYTE
        elif token.text == document["model"].get("unk_token"):
            token.kind = Kind.UNKNOWN
    return Vocabulary(_MODEL, _PRE, tokens, prefixed=_prefixed(document))


def _prefixed(document: dict[str, Any]) -> bool:
    """Whether a text begins as if after a space."""
    for step in (*steps_of(document, "normalizer"), *steps_of(document, "pre_tokenizer")):
        if step.get("type") == "Prepend":
            return True
        if step.get("type") == "Metaspace":
            old = "always" if step.get("add_prefix_space", True) else "never"
            return bool(step.get("prepend_scheme", old) != "never")
    return False
