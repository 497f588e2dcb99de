"""`python -m ollama_nb.guide.train`: from the facts to the model in the built-in store.

One command, CPU only, seeded: corpus, tokenizer, training, export. Two threads, float32, compiled;
Muon for the matrices, AdamW for embedding, output and norms. Needs the `train` extra (torch,
tokenizers, gguf) and a C++ compiler. A checkpoint is left in the folder given with `--work`.
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
from torch import Tensor
from torch.nn import functional

from . import BUILTIN_MODELS, tool_kinds, tools
from .batches import Batch, Row, batches, encode
from .conversation import Conversation
from .corpus import ALL, FIRST, LAST, Corpus
from .export import export
from .facts import Fact, load_facts
from .muon import Muon
from .network import Network, Shape
from .tokenizer import train_tokenizer
from .wording import Wording

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Plan:
    """How to train; the defaults are how the shipped model was made."""

    seed: int = 1
    first: int = 66_000
    examples: int = 145_000
    last: int = 20_000
    batch_tokens: int = 2048
    longest: int = 1536
    matrix_rate: float = 0.015
    embedding_rate: float = 0.05
    other_rate: float = 0.003
    last_share: float = 0.2
    """Of the rates, in the last stage."""
    warmup: int = 60
    threads: int = 2


def train(plan: Plan) -> tuple[Network, Tokenizer]:
    """Make corpus and tokenizer, and train the network on them: short examples first, then all."""
    # Momentum of words long unseen fades to denormal numbers, which halve the speed. Before the
    # first parallel work, since its threads inherit the setting.
    torch.set_flush_denormal(True)
    torch.set_num_threads(plan.threads)
    torch.manual_seed(plan.seed)
    rng = random.Random(plan.seed)
    facts = load_facts()
    corpus = Corpus(facts, rng)
    first = list(corpus.examples(plan.first, FIRST))
    examples = list(corpus.examples(plan.examples, ALL))
    texts = (example.text() for example in (*first[:5_000], *examples[:20_000]))
    tokenizer = train_tokenizer(texts, _prose(facts, plan.seed), Shape().vocabulary)
    rows = encode(first, tokenizer), encode(examples, tokenizer)
    todo = [batch for part in rows for batch in batches(part, plan.batch_tokens, plan.longest, rng)]
    log.info("%d examples, %d tokens, %d of them learned", plan.first + plan.examples,
             sum(batch.tokens.numel() for batch in todo),
             sum(batch.targets.numel() for batch in todo))  # fmt: skip
    network = Network(Shape(vocabulary=tokenizer.get_vocab_size()))
    log.info("%d parameters", sum(p.numel() for p in network.parameters()))
    fit(network, todo, plan, _examinations(facts, tokenizer))
    settle(network, tokenizer, plan)
    return network, tokenizer


def settle(network: Network, tokenizer: Tokenizer, plan: Plan) -> None:
    """Train once more at low rates, on whole answers above all."""
    rng, facts = random.Random(plan.seed + 1), load_facts()
    rows = encode(Corpus(facts, rng).examples(plan.last, LAST), tokenizer)
    todo = list(batches(rows, plan.batch_tokens, plan.longest, rng))
    lower = replace(
        plan,
        matrix_rate=plan.matrix_rate * plan.last_share,
        embedding_rate=plan.embedding_rate * plan.last_share,
        other_rate=plan.other_rate * plan.last_share,
    )
    fit(network, todo, lower, _examinations(facts, tokenizer))


def _prose(facts: tuple[Fact, ...], seed: int) -> list[str]:
    """Return answers and questions: the words among them are worth a token with their blank."""
    wording, rng = Wording(facts), random.Random(seed)
    questions = [wording.question(fact, rng) for fact in facts for _ in range(20)]
    return [fact.answer for fact in facts for _ in range(30)] + questions


def fit(
    network: Network, todo: list[Batch], plan: Plan, examinations: dict[str, list[Row]]
) -> None:
    """Take one step for each batch, in order; hold an examination now and then."""
    optimizers = _optimizers(network, plan)
    compiled = torch.compile(_loss, dynamic=True)
    begun, seen, smooth = time.monotonic(), 0, 0.0
    for step, batch in enumerate(todo):
        for optimizer in optimizers:
            for group in optimizer.param_groups:
                group["lr"] = group["peak"] * _rate(step, len(todo), plan)
        loss = compiled(network, batch.tokens, batch.wanted, batch.targets)
        loss.backward()
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        seen += batch.tokens.numel()
        smooth += (float(loss.detach()) - smooth) * (1 if step == 0 else 0.05)
        if step % 100 == 99 or step == len(todo) - 1:
            spent = time.monotonic() - begun
            log.info("step %d of %d, loss %.4f, %.0f tokens/s, %.0f s",
                     step + 1, len(todo), smooth, seen / spent, spent)  # fmt: skip
        if step % 600 == 599 or step == len(todo) - 1:
            for name, rows in examinations.items():
                log.info("%s, word for word: %.1f %%", name, 100 * _exact(network, rows))


def _examinations(facts: tuple[Fact, ...], tokenizer: Tokenizer) -> dict[str, list[Row]]:
    """Return what is never trained on: the held-out questions, and calls of unseen tools."""
    rng = random.Random(0)
    questions, calls = [], []
    for fact in facts:
        for question in fact.held_out:
            talk = Conversation()
            talk.user(question)
            talk.assistant(fact.answer)
            questions.append(talk)
    for _ in range(100):
        request = tool_kinds.request(rng, fresh=True)
        calls.append(tools.converse(request, [request.tool], rng))
    return {
        "held-out answers": encode(questions, tokenizer),
        "calls of unseen tools": encode(calls, tokenizer),
    }


@torch.no_grad()
def _exact(network: Network, rows: list[Row]) -> float:
    """Return the share of rows whose learned tokens are all the likeliest; nothing is trained."""
    right = 0
    for batch in batches(rows, 4096, 1024, random.Random(0)):
        wrong = network(batch.tokens, batch.wanted).argmax(-1) != batch.targets
        row_of = batch.wanted // batch.tokens.shape[1]
        right += len(batch.tokens) - len(row_of[wrong].unique())
    return right / len(rows)


def _loss(network: Network, tokens: Tensor, wanted: Tensor, targets: Tensor) -> Tensor:
    return functional.cross_entropy(network(tokens, wanted), targets)


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
        Muon([{"params": matrices, "peak": plan.matrix_rate}]),
        torch.optim.AdamW(others, betas=(0.9, 0.95), weight_decay=0.0),
    ]


def _rate(step: int, steps: int, plan: Plan) -> float:
    """Warm up, then fall linearly to zero."""
    return min((step + 1) / plan.warmup, 1 - step / steps)


def main() -> None:
    """Train and export."""
    parser = argparse.ArgumentParser(prog="python -m ollama_nb.guide.train", description=__doc__)
    parser.add_argument("--first", type=int, default=Plan.first, help="how many short ones before")
    parser.add_argument("--examples", type=int, default=Plan.examples, help="how many to draw")
    parser.add_argument("--last", type=int, default=Plan.last, help="how many at the end")
    parser.add_argument("--seed", type=int, default=Plan.seed)
    parser.add_argument("--store", type=Path, default=BUILTIN_MODELS, help="store to write")
    parser.add_argument("--work", type=Path, help="folder for the checkpoint")
    given = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    begun = time.monotonic()
    counts = {"first": given.first, "examples": given.examples, "last": given.last}
    network, tokenizer = train(Plan(seed=given.seed, **counts))
    work = given.work or Path(tempfile.mkdtemp(prefix="guide-"))
    work.mkdir(parents=True, exist_ok=True)
    torch.save(network.state_dict(), work / "network.pt")
    tokenizer.save(str(work / "tokenizer.json"))
    size = export(network, tokenizer, given.store)
    log.info("%d bytes of GGUF in %s, %.1f minutes in all",
             size, given.store, (time.monotonic() - begun) / 60)  # fmt: skip


if __name__ == "__main__":
    main()
