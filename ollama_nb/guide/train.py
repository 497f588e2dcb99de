"""`python -m ollama_nb.guide.train`: from the facts to the model in the built-in store.

One command, CPU only, seeded: corpus, tokenizer, training, export. Two threads, bfloat16 matrix
products; Muon for the matrices, AdamW for embedding and norms. Needs the `train` extra (torch,
tokenizers, gguf). Progress is logged; a checkpoint is left in the folder given with `--work`.
"""

import argparse
import logging
import random
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from tokenizers import Tokenizer
from torch.nn import functional

from . import BUILTIN_MODELS
from .batches import Batch, Row, batches, encode
from .conversation import Conversation
from .corpus import ALL, FIRST, LAST, Corpus
from .export import export
from .facts import Fact, load_facts
from .network import Network, Shape
from .tokenizer import train_tokenizer

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Plan:
    """How to train; the defaults are how the shipped model was made."""

    seed: int = 1
    first: int = 40_000
    examples: int = 90_000
    last: int = 60_000
    batch_tokens: int = 1536
    longest: int = 1536
    matrix_rate: float = 0.01
    embedding_rate: float = 0.3
    other_rate: float = 0.005
    warmup: int = 60
    decay: float = 0.6
    last_share: float = 0.5
    """Of the rates, in the last stage, where they fall from the beginning."""
    threads: int = 2


def train(plan: Plan) -> tuple[Network, Tokenizer]:
    """Make corpus and tokenizer, and train the network on them."""
    torch.set_num_threads(plan.threads)
    torch.manual_seed(plan.seed)
    torch.use_deterministic_algorithms(mode=True)
    torch.utils.deterministic.fill_uninitialized_memory = False  # a fifth of the time
    rng = random.Random(plan.seed)
    facts = load_facts()
    corpus = Corpus(facts, rng)
    first = list(corpus.examples(plan.first, FIRST))
    examples = list(corpus.examples(plan.examples, ALL))
    texts = (example.text() for example in (*first[:5_000], *examples[:30_000]))
    tokenizer = train_tokenizer(texts, Shape().vocabulary)
    rows = encode(first, tokenizer), encode(examples, tokenizer)
    todo = [batch for part in rows for batch in batches(part, plan.batch_tokens, plan.longest, rng)]
    log.info("%d examples, %d tokens, %d of them learned", plan.first + plan.examples,
             sum(batch.tokens.numel() for batch in todo),
             sum(batch.targets.numel() for batch in todo))  # fmt: skip
    network = Network(Shape(vocabulary=tokenizer.get_vocab_size()))
    log.info("%d parameters", sum(p.numel() for p in network.parameters()))
    examination = _examination(facts, tokenizer)
    fit(network, todo, plan, examination)
    settle(network, tokenizer, plan, examination)
    return network, tokenizer


def settle(network: Network, tokenizer: Tokenizer, plan: Plan, examination: list[Row]) -> None:
    """Train once more, on facts above all and at falling rates.

    Without it the commonest questions were not safe: the mixture leaves each fact few steps.
    """
    rng = random.Random(plan.seed + 1)
    examples = Corpus(load_facts(), rng).examples(plan.last, LAST)
    todo = list(batches(encode(examples, tokenizer), plan.batch_tokens, plan.longest, rng))
    slower = replace(
        plan,
        matrix_rate=plan.matrix_rate * plan.last_share,
        embedding_rate=plan.embedding_rate * plan.last_share,
        other_rate=plan.other_rate * plan.last_share,
        decay=1.0,
    )
    fit(network, todo, slower, examination)


def fit(network: Network, todo: list[Batch], plan: Plan, examination: list[Row]) -> None:
    """Take one step for each batch, in order; look at the held-out questions now and then."""
    optimizers = _optimizers(network, plan)
    begun, seen, smooth = time.monotonic(), 0, 0.0
    for step, batch in enumerate(todo):
        for optimizer in optimizers:
            for group in optimizer.param_groups:
                group["lr"] = group["peak"] * _rate(step, len(todo), plan)
        loss = _step(network, batch, optimizers)
        seen += batch.tokens.numel()
        smooth = loss if step == 0 else 0.95 * smooth + 0.05 * loss
        if step % 100 == 99 or step == len(todo) - 1:
            spent = time.monotonic() - begun
            log.info("step %d of %d, loss %.4f, %.0f tokens/s, %.0f s",
                     step + 1, len(todo), smooth, seen / spent, spent)  # fmt: skip
        if step % 600 == 599 or step == len(todo) - 1:
            log.info("held-out answers word for word: %.1f %%", 100 * _exact(network, examination))


def _examination(facts: tuple[Fact, ...], tokenizer: Tokenizer) -> list[Row]:
    talks = []
    for fact in facts:
        for question in fact.held_out:
            talk = Conversation()
            talk.user(question)
            talk.assistant(fact.answer)
            talks.append(talk)
    return encode(talks, tokenizer)


@torch.no_grad()
def _exact(network: Network, rows: list[Row]) -> float:
    """Return the share of rows whose learned tokens are all the likeliest; nothing is trained."""
    right = 0
    for batch in batches(rows, 4096, 1024, random.Random(0)):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            wrong = network(batch.tokens, batch.wanted).argmax(-1) != batch.targets
        row_of = batch.wanted // batch.tokens.shape[1]
        right += len(batch.tokens) - len(row_of[wrong].unique())
    return right / len(rows)


def _step(network: Network, batch: Batch, optimizers: list[torch.optim.Optimizer]) -> float:
    with torch.autocast("cpu", dtype=torch.bfloat16):
        logits = network(batch.tokens, batch.wanted)
    loss = functional.cross_entropy(logits.float(), batch.targets)
    loss.backward()
    for optimizer in optimizers:
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
    return float(loss.detach())


def _optimizers(network: Network, plan: Plan) -> list[torch.optim.Optimizer]:
    """Muon for the blocks' matrices; AdamW for the rest, the embedding at a far higher rate.

    A word of a question is seen a few times in all, so its row must move far each time: at the
    rate of the other parameters hardly anything was learned from the questions.
    """
    matrices = [p for p in network.blocks.parameters() if p.ndim == 2]
    norms = [p for p in network.parameters() if p.ndim == 1]
    others = [
        {"params": [network.embedding.weight], "peak": plan.embedding_rate},
        {"params": [network.output.weight, *norms], "peak": plan.other_rate},
    ]
    return [
        torch.optim.Muon([{"params": matrices, "peak": plan.matrix_rate}], weight_decay=0.01),
        torch.optim.AdamW(others, betas=(0.9, 0.95), weight_decay=0.0),
    ]


def _rate(step: int, steps: int, plan: Plan) -> float:
    """Warm up, hold, then fall linearly to zero over the last part."""
    rising = (step + 1) / plan.warmup
    falling = (steps - step) / (plan.decay * steps)
    return min(1.0, rising, falling)


def main() -> None:
    """Train and export."""
    parser = argparse.ArgumentParser(prog="python -m ollama_nb.guide.train", description=__doc__)
    parser.add_argument("--first", type=int, default=Plan.first, help="how many short ones before")
    parser.add_argument("--examples", type=int, default=Plan.examples, help="how many to draw")
    parser.add_argument("--seed", type=int, default=Plan.seed)
    parser.add_argument("--store", type=Path, default=BUILTIN_MODELS, help="store to write")
    parser.add_argument("--work", type=Path, help="folder for the checkpoint")
    given = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    begun = time.monotonic()
    network, tokenizer = train(Plan(seed=given.seed, first=given.first, examples=given.examples))
    work = given.work or Path(tempfile.mkdtemp(prefix="guide-"))
    work.mkdir(parents=True, exist_ok=True)
    torch.save(network.state_dict(), work / "network.pt")
    tokenizer.save(str(work / "tokenizer.json"))
    size = export(network, tokenizer, given.store)
    log.info("%d bytes of GGUF in %s, %.1f minutes in all",
             size, given.store, (time.monotonic() - begun) / 60)  # fmt: skip


if __name__ == "__main__":
    main()
