"""What words mean here: vectors whose sum over a question tells which fact it asks for.

A bag of words learns this from half a million questions in a minute or two, and tells nine held-out
questions in ten. The network would need hours to see as many, so it begins with what the bag knows.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import torch
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.nn import functional

from .facts import Fact
from .wishes import wish_for
from .wording import Wording

_RATE = 0.01
_BATCH = 512
_DROPPED = 0.1
"""The share of tokens left out, so that no single word decides."""


@dataclass(frozen=True)
class Meanings:
    """A vector for each token (vocabulary x width), and one for each fact (facts x width).

    The fact whose vector agrees best with the sum of a question's vectors is the one asked for.
    """

    of_tokens: Tensor
    of_facts: Tensor


def learn_meanings(
    facts: tuple[Fact, ...], tokenizer: Tokenizer, width: int, rng: random.Random, rounds: int
) -> Meanings:
    """Learn from so many `rounds` of questions about every fact; the variance is one."""
    vectors = nn.EmbeddingBag(tokenizer.get_vocab_size(), width, mode="sum")
    nn.init.normal_(vectors.weight, std=0.1)
    head = nn.Linear(width, len(facts))
    optimizer = torch.optim.AdamW([*vectors.parameters(), *head.parameters()], weight_decay=0.0)
    steps = rounds * len(facts) // _BATCH
    questions = _questions(facts, rng)
    for step in range(steps):
        batch = list(islice(questions, _BATCH))
        optimizer.param_groups[0]["lr"] = _RATE * (1 - step / steps)
        encoded = tokenizer.encode_batch_fast([question for question, _ in batch])
        sums = _sums(vectors, [_thinned(one.ids, rng) for one in encoded])
        loss = functional.cross_entropy(head(sums), torch.tensor([about for _, about in batch]))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    scale = vectors.weight.detach().std()
    return Meanings(vectors.weight.detach() / scale, head.weight.detach() * scale)


def _questions(facts: tuple[Fact, ...], rng: random.Random) -> Iterator[tuple[str, int]]:
    """Yield questions with the numbers of their facts, without end."""
    wording, deck = Wording(facts), list(range(len(facts)))
    while True:
        rng.shuffle(deck)
        for about in deck:
            yield wish_for(facts[about], wording, rng).question, about


def _thinned(ids: list[int], rng: random.Random) -> list[int]:
    return [id for id in ids if rng.random() >= _DROPPED] or ids


def _sums(vectors: nn.EmbeddingBag, bags: list[list[int]]) -> Tensor:
    """Return the sum of each bag's vectors, divided by the root of their number."""
    lengths = torch.tensor([len(bag) for bag in bags])
    flat = torch.tensor([id for bag in bags for id in bag])
    sums: Tensor = vectors(flat, lengths.cumsum(0) - lengths)
    return sums / lengths[:, None].sqrt()
