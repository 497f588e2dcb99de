"""From conversations to batches: token ids, which of them are learned, rows of similar length."""

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy
import torch
from tokenizers import Tokenizer

from .conversation import Conversation


@dataclass(frozen=True)
class Row:
    """One example: its tokens, and for each whether the model should have said it."""

    tokens: numpy.ndarray
    learned: numpy.ndarray


@dataclass(frozen=True)
class Batch:
    """Rows padded to one length; `wanted` are the flat positions whose next token is learned."""

    tokens: torch.Tensor
    wanted: torch.Tensor
    targets: torch.Tensor


def encode(examples: Iterable[Conversation], tokenizer: Tokenizer) -> list[Row]:
    """Turn examples into rows; each piece is encoded on its own, as prompt and answer will be."""
    talks = [example.pieces for example in examples]
    flat = [piece for pieces in talks for piece in pieces]
    encoded = iter(tokenizer.encode_batch_fast([piece.text for piece in flat]))
    rows = []
    for pieces in talks:
        ids: list[int] = []
        learned: list[bool] = []
        for piece in pieces:
            new = next(encoded).ids
            ids += new
            learned += [piece.learned] * len(new)
        end = len(learned) - learned[::-1].index(True)
        rows.append(Row(numpy.array(ids[:end], numpy.int32), numpy.array(learned[:end], bool)))
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
    return Batch(*(torch.from_numpy(array) for array in (tokens, wanted, targets)))
