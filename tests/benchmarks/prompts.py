"""Random prompts of letters, which programs can take as tokens or as text."""

import random
from collections.abc import Sequence

_LETTERS = b"cdefghijklmnopqrstuvwxyz"
"""In the random models a letter is a token with the number of its byte; only "ab" merges."""


def letter_prompts(count: int, length: int, *, seed: int) -> list[list[int]]:
    """So many prompts of so many tokens; the same for the same seed."""
    draw = random.Random(seed)
    return [[draw.choice(_LETTERS) for _ in range(length)] for _ in range(count)]


def as_text(prompt: Sequence[int]) -> str:
    """What is cut into these tokens."""
    return bytes(prompt).decode("ascii")
