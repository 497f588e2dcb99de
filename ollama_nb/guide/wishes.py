"""A question about a fact with the model it names: "pull qwen3" is answered with qwen3.

The facts speak of llama3.2; here another model's name takes its place in question and answer.
"""

import random
import re
from dataclasses import dataclass

from . import names
from .facts import Fact
from .wording import Wording

_STAND_IN = "llama3.2"
_NAMELESS = re.compile(r"\b(a|my|the|this) (model|LLM|language model)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Wish:
    """A question, the fact it asks for, and its answer and key with the model named in it."""

    fact: Fact
    question: str
    answer: str
    key: str

    @property
    def command(self) -> str:
        """Return what to type: the key if it is a command, else the code it is in, else all."""
        if self.key.startswith("%"):
            return self.key
        codes = re.findall(r"`([^`]+)`", self.answer)
        fitting = [code for code in codes if self.key in code] or codes
        return fitting[0] if fitting else self.answer


def wish_for(fact: Fact, wording: Wording, rng: random.Random) -> Wish:
    """Return a random wording of a question for the fact, perhaps about a certain model."""
    question = wording.question(fact, rng)
    model = _STAND_IN
    if _STAND_IN in fact.answer:
        other = rng.choice(names.MODELS) if rng.random() < 0.8 else names.syllables(rng)
        if _STAND_IN in question and rng.random() < 0.6:
            question, model = question.replace(_STAND_IN, other), other
        elif _STAND_IN in fact.key and _NAMELESS.search(question) and rng.random() < 0.3:
            named = rng.choice((other, other, f"the model {other}"))
            question, model = _NAMELESS.sub(named, question, count=1), other
    return Wish(
        fact, question, fact.answer.replace(_STAND_IN, model), fact.key.replace(_STAND_IN, model)
    )
