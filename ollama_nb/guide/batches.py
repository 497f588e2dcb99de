"""From conversations to batches: token ids, which of them are learned, rows of similar length."""

import random
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy
import torch
from tokenizers import Tokenizer

from .conversation import Conversation

UNKNOWN = -100
"""The number of no fact: what `cross_entropy` leaves out."""


@dataclass(frozen=True)
class Row:
    """One example: its tokens, and for each whether the model should have said it.

    `asked` are the last positions before the model speaks of a fact, `meant` the facts' numbers.
    """

    tokens: numpy.ndarray
    learned: numpy.ndarray
    asked: list[int]
    meant: list[int]


@dataclass(frozen=True)
class Batch:
    """Rows padded to one length.

    `wanted` are the flat positions whose next tokens, the `targets`, are learned; `asked` those
    where it should be known which facts are `meant`, or `UNKNOWN`.
    """

    tokens: torch.Tensor
    wanted: torch.Tensor
    targets: torch.Tensor
    asked: torch.Tensor
    meant: torch.Tensor


def encode(
    examples: Iterable[Conversation], tokenizer: Tokenizer, numbers: Mapping[str, int]
) -> list[Row]:
    """Turn examples into rows; each piece is encoded on its own, as prompt and answer will be.

    `numbers` gives each fact's id its number.
    """
    talks = [example.pieces for example in examples]
    flat = [piece for pieces in talks for piece in pieces]
    encoded = iter(tokenizer.encode_batch_fast([piece.text for piece in flat]))
    rows = []
    for pieces in talks:
        ids: list[int] = []
        learned: list[bool] = []
        asked, meant = [], []
        for piece in pieces:
            new = next(encoded).ids
            if piece.about:
                asked.append(len(ids) - 1)
                meant.append(numbers[piece.about])
            ids += new
            learned += [piece.learned] * len(new)
        end = len(learned) - learned[::-1].index(True)
        tokens = numpy.array(ids[:end], numpy.int32)
        rows.append(Row(tokens, numpy.array(learned[:end], bool), asked, meant))
    return rows


def batches(rows: list[Row], size: int, longest: int, rng: random.Random) -> Iterator[Batch]:
    """Yield batches of about `size` tokens: rows of similar length together, batches shuffled."""
    rows = [row for row in rows if len(row.tokens) <= longest]
    rows.sort(key=lambda row: len(row.tokens) * rng.uniform(0.95, 1.05))
    groups: list[list[Row]] = [[]]
    widest = 0
    for row in rows:
        widest = max(widest, len(row.tokens))
        if widest * (len(groups[-1]) + 1) > size and groups[-1]:
            groups.append([])
            widest = len(row.tokens)
        groups[-1].append(row)
    rng.shuffle(groups)
    return map(_batch, groups)


def _batch(rows: list[Row]) -> Batch:
    width = max(len(row.tokens) for row in rows)
    tokens = numpy.zeros((len(rows), width), numpy.int64)
    learned = numpy.zeros((len(rows), width), bool)
    for at, row in enumerate(rows):
        tokens[at, : len(row.tokens)] = row.tokens
        learned[at, : len(row.learned)] = row.learned
    wanted = numpy.flatnonzero(learned[:, 1:])
    wanted += wanted // (width - 1)
    targets = tokens.reshape(-1)[wanted + 1]
    # Two that do not count, since torch compiles anew for lengths of none and one.
    asked = [at * width + position for at, row in enumerate(rows) for position in row.asked] + [
        0,
        0,
    ]
    meant = [number for row in rows for number in row.meant] + [UNKNOWN, UNKNOWN]
    arrays = (
        tokens,
        wanted,
        targets,
        numpy.array(asked, numpy.int64),
        numpy.array(meant, numpy.int64),
    )
    return Batch(*map(torch.from_numpy, arrays))
