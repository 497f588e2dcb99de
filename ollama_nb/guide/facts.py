"""The facts the guide knows, and when an answer counts as right.

Facts are read from `facts/*.toml`, more ways to ask for them from `wordings/*.txt`. No torch, no
tokens. Wordings for training are made in `wording.py`; the `held_out` questions are for evaluation
only and never enter the corpus.
"""

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

FACTS = Path(__file__).parent / "facts"
WORDINGS = Path(__file__).parent / "wordings"


@dataclass(frozen=True)
class Fact:
    """One thing to know: its answer, the part that matters (`key`), and how one asks for it."""

    id: str
    key: str
    answer: str
    tasks: tuple[str, ...]
    things: tuple[str, ...]
    ask: tuple[str, ...]
    held_out: tuple[str, ...]


@cache
def load_facts() -> tuple[Fact, ...]:
    """Read every fact, in the order of file names and entries."""
    more = more_wordings()
    facts = []
    for path in sorted(FACTS.glob("*.toml")):
        entries = tomllib.loads(path.read_text(encoding="utf-8")).get("fact", [])
        facts += [_fact(entry, more.get(entry["id"], ())) for entry in entries]
    return tuple(facts)


def more_wordings() -> dict[str, tuple[str, ...]]:
    """Read the additional wordings: an id and a colon, then indented wordings between bars."""
    wordings: dict[str, tuple[str, ...]] = {}
    for path in sorted(WORDINGS.glob("*.txt")):
        text = path.read_text(encoding="utf-8")
        for entry in re.split(r"\n(?=\S)", text.strip()):
            id, _, block = entry.partition(":\n")
            wordings[id] = tuple(" ".join(one.split()) for one in block.split("|"))
    return wordings


def held_out_questions(facts: tuple[Fact, ...]) -> frozenset[str]:
    """Return the words of every held-out question, so that training can shun them."""
    return frozenset(words_of(question) for fact in facts for question in fact.held_out)


def words_of(question: str) -> str:
    """Reduce a question to its lower-case words: equal words are the same question."""
    return " ".join(re.findall(r"\w+", question.lower()))


def normalise(text: str) -> str:
    """Reduce an answer to what counts: no case, no backticks, single blanks."""
    return " ".join(text.lower().replace("`", "").split())


def is_right(answer: str, fact: Fact) -> bool:
    """Tell whether an answer contains what matters."""
    return normalise(fact.key) in normalise(answer)


def _fact(entry: dict[str, Any], more: tuple[str, ...]) -> Fact:
    """Make a fact; an additional wording that begins with "to" is a task."""

    def texts(name: str) -> tuple[str, ...]:
        return tuple(entry.get(name, ()))

    return Fact(
        id=entry["id"],
        key=entry["key"],
        answer=entry["answer"].strip(),
        tasks=texts("tasks") + tuple(one[3:] for one in more if one.startswith("to ")),
        things=texts("things"),
        ask=texts("ask") + tuple(one for one in more if not one.startswith("to ")),
        held_out=texts("held_out"),
    )
