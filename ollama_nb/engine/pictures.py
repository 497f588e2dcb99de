"""Images among the tokens of a prompt: numbers below zero hold the places of their patches.

Pure bookkeeping. The numbers come from the pixels, so that a prompt that begins with the same image
begins with the same tokens.
"""

import hashlib
from collections.abc import Iterable, Sequence
from typing import Protocol, TypeVar

from ollama_nb.errors import EngineError

from .sequence import Picture

_DIGEST_BYTES = 7
_MOST_PIECES = 64
"""Of one picture that have numbers of their own."""


class Piece(Protocol):
    """A piece of a picture: tokens of text, or patches that take so many positions."""

    @property
    def tokens(self) -> tuple[int, ...]:
        """Empty for patches."""

    @property
    def num_positions(self) -> int:
        """How long it is."""


AnyPiece = TypeVar("AnyPiece", bound=Piece)


def stand_ins(picture: Picture, pieces: Iterable[Piece]) -> list[int]:
    """Tokens of the text in a picture's pieces, and a number for each position of its patches."""
    size = f"{picture.width}x{picture.height}:".encode()
    digest = hashlib.sha256(size + picture.pixels).digest()
    first = int.from_bytes(digest[:_DIGEST_BYTES]) * _MOST_PIECES
    tokens: list[int] = []
    for index, piece in enumerate(pieces):
        number = -1 - first - index % _MOST_PIECES
        tokens += piece.tokens or [number] * piece.num_positions
    return tokens


def find_patches(tokens: Sequence[int], patches: Iterable[AnyPiece]) -> dict[int, AnyPiece]:
    """Where each of the patches begins among the tokens.

    Raises EngineError unless they are exactly what the tokens below zero stand for.
    """
    found: dict[int, AnyPiece] = {}
    waiting = iter(patches)
    at = 0
    while at < len(tokens):
        if tokens[at] >= 0:
            at += 1
            continue
        patch = next(waiting, None)
        end = at + (patch.num_positions if patch else 0)
        if patch is None or set(tokens[at:end]) != {tokens[at]} or end > len(tokens):
            raise EngineError("the prompt's images are not those that it was made with")
        found[at] = patch
        at = end
    if next(waiting, None) is not None:
        raise EngineError("the prompt has lost an image that it was made with")
    return found
