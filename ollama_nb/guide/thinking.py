"""Thinking out loud: the short reasoning before an answer, when the prompt has opened `<think>`."""

import random

from .facts import Fact

_SOCIAL = {
    "off-topic": "This is not about ollama_nb. I should say so.",
    "hello": "The user says hello. I should be friendly.",
    "thanks": "The user says thanks. I should be friendly.",
    "bye": "The user leaves. I should say goodbye.",
    "how-are-you": "The user asks how I am. I should be friendly.",
    "yes-no": "This is not clear. I should ask what the user wants.",
}


def thought(fact: Fact, rng: random.Random) -> str:
    """Return one or two sentences that say which fact is meant and what matters in it."""
    if fact.id in _SOCIAL:
        return _SOCIAL[fact.id]
    if fact.tasks:
        meant = f"The user wants to {fact.tasks[0]}."
    elif fact.things:
        meant = f"The user asks about {fact.things[0]}."
    else:
        meant = f'The question is "{fact.ask[0].rstrip("?.")}".'
    matters = (
        f"The command is {fact.key}." if fact.key.startswith("%") else f"What matters: {fact.key}."
    )
    return meant if rng.random() < 0.1 else f"{meant} {matters}"
