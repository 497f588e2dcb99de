"""`python -m ollama_nb.guide.train`: from the facts to the model in the built-in store.

One command, CPU only, seeded: corpus, tokenizer, what words mean, training, export, create. Two
threads, float32, compiled; Muon for the matrices, AdamW for embedding, output and norms. Needs the
`train` extra and a C++ compiler. The checkpoint that the model is made of stays in `--work`.
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
from torch import Tensor, nn
from torch.nn import functional

from . import BUILTIN_MODELS, tool_kinds, tools
from .batches import Batch, Row, batches, encode
from .builtin_store import build
from .conversation import Conversation
from .corpus import ALL, FIRST, LAST, Corpus
from .export import Guide, export
from .facts import Fact, load_facts
from .meaning import Meanings, learn_meanings
from .muon import Muon
from .network import Network
from .shape import Shape
from .tokenizer import train_tokenizer
from .wording import Wording

log = logging.getLogger(__name__)

_NEARLY_EVEN = 0.2
"""Scale of the attention that looks at all tokens alike; at zero it could not learn."""


@dataclass(frozen=True)
class Plan:
    """How to train; the defaults are how the shipped model was made."""

    seed: int = 1
    rounds: int = 1000
    """Questions about each fact from which the words' meanings are learned."""
    meaning: int = 96
    """The width of the meanings."""
    first: int = 30_000
    examples: int = 95_000
    last: int = 20_000
    batch_tokens: int = 3072
    longest: int = 1536
    matrix_rate: float = 0.015
    embedding_rate: float = 0.008
    other_rate: float = 0.003
    last_share: float = 0.2
    """Of the rates, in the last stage."""
    warmup: int = 60
    threads: int = 2

    def lowered(self) -> "Plan":
        """Return the plan with the rates of the last stage."""
        return replace(
            self,
            matrix_rate=self.matrix_rate * self.last_share,
            embedding_rate=self.embedding_rate * self.last_share,
            other_rate=self.other_rate * self.last_share,
        )


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
    last = list(corpus.examples(plan.last, LAST))
    texts = (example.text() for example in (*first[:5_000], *examples[:20_000]))
    tokenizer = train_tokenizer(texts, _prose(facts, plan.seed), Shape().vocabulary)
    numbers = {fact.id: number for number, fact in enumerate(facts)}

    def cut(part: list[Conversation]) -> list[Batch]:
        rows = encode(part, tokenizer, numbers)
        return list(batches(rows, plan.batch_tokens, plan.longest, rng))

    begun = time.monotonic()
    meanings = learn_meanings(facts, tokenizer, plan.meaning, rng, plan.rounds)
    log.info("meanings of words in %.0f s", time.monotonic() - begun)
    network = Network(Shape(vocabulary=tokenizer.get_vocab_size()))
    log.info("%d parameters", sum(p.numel() for p in network.parameters()))
    learner = Learner(network, meanings)
    examinations = _examinations(facts, tokenizer, numbers)
    fit(learner, cut(first) + cut(examples), plan, examinations)
    fit(learner, cut(last), plan.lowered(), examinations)
    return network, tokenizer


class Learner(nn.Module):
    """The network, and for the time of training a head that tells half-way which fact is meant.

    An answer says little of that in any one token, since many begin alike. Told at once, and before
    a word is said, the network learns it several times as fast.
    """

    def __init__(self, network: Network, meanings: Meanings) -> None:
        super().__init__()
        self.network = network
        self.head = nn.Linear(network.shape.width, len(meanings.of_facts))
        self._begin_with(meanings)

    @torch.no_grad()
    def _begin_with(self, meanings: Meanings) -> None:
        """Let the first block add up meanings as the bag of words does, and the head judge by them.

        The first places of the stream hold a token's meaning, the last ones the mean of all so far.
        """
        width = meanings.of_tokens.shape[1]
        self.network.embedding.weight[:, :width] = meanings.of_tokens
        self.network.embedding.weight[:, -width:] = 0
        attention = self.network.blocks[0].attention
        head_width = self.network.shape.head_width
        even = -(-width // head_width) * head_width  # the heads that the meanings need
        for matrix in (attention.q.weight, attention.k.weight):
            matrix[:even].mul_(_NEARLY_EVEN)
        attention.v.weight[:width] = torch.eye(width, self.network.shape.width)
        attention.output.weight[-width:, :width] = 2 * torch.eye(width)
        self.head.weight.zero_()
        self.head.weight[:, -width:] = 3 * meanings.of_facts  # a mean is smaller than the sum
        self.head.bias.zero_()

    def forward(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Return the logits of the wanted tokens, and those of the facts asked for."""
        stream = self.network.read(batch.tokens)
        asked = stream.flatten(0, 1)[batch.asked]
        facts = self.head(functional.rms_norm(asked, asked.shape[-1:]))
        return self.network.say(stream, batch.wanted), facts

    def loss(self, batch: Batch) -> Tensor:
        """Return the loss of both, each a mean."""
        tokens, facts = self(batch)
        meant = functional.cross_entropy(facts, batch.meant, reduction="sum") / len(batch.meant)
        return functional.cross_entropy(tokens, batch.targets) + meant


def _prose(facts: tuple[Fact, ...], seed: int) -> list[str]:
    """Return answers and questions: the words among them are worth a token with their blank."""
    wording, rng = Wording(facts), random.Random(seed)
    questions = [wording.question(fact, rng) for fact in facts for _ in range(20)]
    return [fact.answer for fact in facts for _ in range(30)] + questions


def fit(
    learner: Learner, todo: list[Batch], plan: Plan, examinations: dict[str, list[Row]]
) -> None:
    """Take one step for each batch, in order; hold an examination now and then."""
    optimizers = _optimizers(learner, plan)
    loss_of = torch.compile(learner.loss, dynamic=True)
    begun, seen, smooth = time.monotonic(), 0, 0.0
    for step, batch in enumerate(todo):
        for optimizer in optimizers:
            for group in optimizer.param_groups:
                group["lr"] = group["peak"] * _rate(step, len(todo), plan)
        loss = loss_of(batch)
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
        if step % 500 == 499 or step == len(todo) - 1:
            for name, rows in examinations.items():
                said, meant = _exact(learner, rows)
                log.info("%s: %.1f %% word for word, %.1f %% meant", name, said, meant)


def _examinations(
    facts: tuple[Fact, ...], tokenizer: Tokenizer, numbers: dict[str, int]
) -> dict[str, list[Row]]:
    """Return what is never trained on: the held-out questions, and calls of unseen tools."""
    rng = random.Random(0)
    questions, calls = [], []
    for fact in facts:
        for question in fact.held_out:
            talk = Conversation()
            talk.user(question)
            talk.assistant(fact.answer, about=fact.id)
            questions.append(talk)
    for _ in range(100):
        request = tool_kinds.request(rng, fresh=True)
        calls.append(tools.converse(request, [request.tool], rng))
    return {
        "held-out answers": encode(questions, tokenizer, numbers),
        "calls of unseen tools": encode(calls, tokenizer, numbers),
    }


@torch.no_grad()
def _exact(learner: Learner, rows: list[Row]) -> tuple[float, float]:
    """Return the percentages of rows whose learned tokens are all the likeliest, and of facts."""
    said = meant = 0
    for batch in batches(rows, 4096, 1024, random.Random(0)):
        tokens, facts = learner(batch)
        wrong = tokens.argmax(-1) != batch.targets
        row_of = batch.wanted // batch.tokens.shape[1]
        said += len(batch.tokens) - len(row_of[wrong].unique())
        meant += int((facts.argmax(-1) == batch.meant).sum())
    return 100 * said / len(rows), 100 * meant / len(rows)


def _optimizers(learner: Learner, plan: Plan) -> list[torch.optim.Optimizer]:
    """Muon for the blocks' matrices; AdamW for the rest, the embedding at a far higher rate.

    A word of a question is seen a few times in all, so its row must move far each time: at the
    rate of the other parameters hardly anything was learned from the questions.
    """
    network = learner.network
    matrices = [p for p in network.blocks.parameters() if p.ndim == 2]
    norms = [p for p in network.parameters() if p.ndim == 1]
    others = [
        {"params": [network.embedding.weight], "peak": plan.embedding_rate},
        {
            "params": [network.output.weight, *learner.head.parameters(), *norms],
            "peak": plan.other_rate,
        },
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
    tensors = {name: tensor.float().numpy() for name, tensor in network.state_dict().items()}
    work = given.work or Path(tempfile.mkdtemp(prefix="guide-"))
    export(Guide(network.shape, tensors, tokenizer), work)
    log.info("checkpoint in %s", work)
    build(work, given.store)
    log.info("model in %s, %.1f minutes in all", given.store, (time.monotonic() - begun) / 60)


if __name__ == "__main__":
    main()
