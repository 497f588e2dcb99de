"""JSON when asked: which keys the user may ask for, how they ask, and the answer as compact JSON.

Two kinds: answers about ollama_nb, and a person's particulars taken from a sentence.
"""

import json
import random
from collections.abc import Mapping
from typing import Any

from . import names
from .conversation import Conversation
from .texts import choose
from .wishes import Wish

_ANSWER_KEYS = ("answer", "answer", "answer", "response", "reply", "text", "result")
_COMMAND_KEYS = ("command", "command", "cmd", "code")
_QUESTION_KEYS = ("question", "question", "query")

_ASK = """Answer in JSON.|Reply in JSON.|Answer as JSON.|Respond in JSON.|Reply with JSON.
Use JSON.|as JSON
Return JSON.|Output JSON.|Give me JSON.|in JSON|Respond with JSON only.
Please answer in JSON format.|JSON please
Respond using JSON|Answer in JSON format.|Always answer in JSON.|Reply as a JSON object.
Output only JSON."""

_ASK_KEYS = """Reply in JSON with the keys {k}.|Answer in JSON with the keys {k}.|As JSON with {k}.
Return a JSON object with the keys {k}.|Respond in JSON using the keys {k}.
JSON with keys {k}, please.
Answer as a JSON object with {k}.|Give me JSON with the fields {k}.
Output JSON with the keys {k}."""

_ABOUT = """{name} is {age} years old and lives in {city}.|{name}, {age}, {city}
{name} from {city} is {age}.
My name is {name}, I am {age} and I live in {city}.|In {city} lives {name}, who is {age} years old.
{name} ({age}) lives in {city}.|I am {name}, {age} years old, from {city}.
{age}-year-old {name} moved to {city}."""


def render(value: Mapping[str, Any]) -> str:
    """Write compact JSON, the way the model is taught to."""
    return json.dumps(value, ensure_ascii=False, separators=(", ", ": "))


def _form(question: str, answer: str, key: str, rng: random.Random) -> tuple[str, str]:
    """Return how JSON is asked for, and the JSON that answers the question."""
    kind = rng.random()
    answer_key = rng.choice(_ANSWER_KEYS)
    if kind < 0.4:
        return choose(_ASK, rng), render({"answer": answer})
    if kind < 0.55:
        value = {answer_key: answer}
    elif kind < 0.75:
        value = {rng.choice(_QUESTION_KEYS): question, answer_key: answer}
    elif kind < 0.9:
        value = {rng.choice(_COMMAND_KEYS): key}
    else:
        value = {rng.choice(_COMMAND_KEYS): key, rng.choice(("explanation", "answer")): answer}
    return _with_keys(list(value), rng), render(value)


def particulars(rng: random.Random) -> tuple[str, str]:
    """Return a sentence about a person with the wish for some particulars, and them as JSON."""
    person = {"name": names.person(rng), "age": rng.randint(1, 99), "city": names.place(rng)}
    keys = rng.sample(list(person), rng.choice((1, 2, 2, 3, 3)))
    about = choose(_ABOUT, rng).format(**person)
    asked = _with_keys(keys, rng)
    if rng.random() < 0.4:
        asked = f"Extract {_joined(keys, rng)}" + rng.choice(
            (" as JSON.", " in JSON.", " as JSON:")
        )
    question = f"{about} {asked}" if rng.random() < 0.5 else f"{asked} {about}"
    return question, render({key: person[key] for key in keys})


def converse(wish: Wish, rng: random.Random) -> Conversation:
    """Return a question about a fact whose answer is wanted as JSON."""
    talk, question = Conversation(), wish.question
    asked, reply = _form(question, wish.answer, wish.command, rng)
    if rng.random() < 0.4:
        talk.system(asked[0].upper() + asked[1:])
        talk.user(question)
    elif rng.random() < 0.8:
        talk.user(f"{question} {asked}")
    else:
        talk.user(f"{asked} {question}")
    talk.assistant(reply, about=wish.fact.id)
    return talk


def _with_keys(keys: list[str], rng: random.Random) -> str:
    text = choose(_ASK_KEYS, rng).replace("{k}", _joined(keys, rng))
    return text.replace("keys", "key").replace("fields", "field") if len(keys) == 1 else text


def _joined(keys: list[str], rng: random.Random) -> str:
    quote = rng.choice(("", "", "", '"', "`", "'"))
    shown = [f"{quote}{key}{quote}" for key in keys]
    if rng.random() < 0.2:
        return ", ".join(shown)
    return " and ".join([", ".join(shown[:-1]), shown[-1]]) if len(shown) > 1 else shown[0]
