"""Blocks of words and of alternatives, as the corpus writes them down."""

import random


def words(text: str) -> list[str]:
    """Return the words of a block."""
    return text.split()


def alternatives(block: str) -> list[str]:
    """Return the alternatives of a block: they are separated by bars and by line ends."""
    return [one for line in block.strip("\n").splitlines() for one in line.split("|")]


def choose(block: str, rng: random.Random) -> str:
    """Return one alternative of a block."""
    return rng.choice(alternatives(block))
