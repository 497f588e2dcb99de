"""`python -m ollama_nb.guide.evaluate`: how good the guide is, in numbers, through our own engine.

Every examination takes an `Ask`, a function from a rendered prompt to the text the model writes, so
that it works with any engine. Needs no torch. Tool names offered here are reserved from training.
"""

import argparse
import json
import random
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from . import infill, json_answers, smalltalk, tool_kinds, tools
from .conversation import END_THINK, Conversation, infill_prompt
from .facts import Fact, is_right, load_facts

Ask = Callable[[str], str]
"""Complete a raw prompt greedily; the answer ends before `<|im_end|>`."""

_SEED = 20_000_003


@dataclass
class Score:
    """The result of one examination; misses are (question, answer) pairs."""

    title: str
    right: int = 0
    total: int = 0
    misses: list[tuple[str, str]] = field(default_factory=list)

    def add(self, question: str, answer: str, *, right: bool) -> None:
        """Count one answer."""
        self.total += 1
        self.right += right
        if not right:
            self.misses.append((question, answer))

    @property
    def share(self) -> float:
        """Return the share of right answers."""
        return self.right / max(1, self.total)


def prompt(question: str, *, system: str = "", thinking: bool = False) -> str:
    """Render one question as `templates/chat.jinja` does."""
    talk = Conversation()
    talk.system(system)
    talk.user(question)
    return _opened(talk, thinking=thinking)


def _opened(talk: Conversation, *, thinking: bool = False) -> str:
    return talk.text() + "<|im_start|>assistant\n" + ("<think>\n" if thinking else "")


def held_out(ask: Ask, facts: tuple[Fact, ...], *, system: str = "") -> Score:
    """Ask every held-out question."""
    score = Score("held-out questions" + (" under a system prompt" if system else ""))
    for fact in facts:
        for question in fact.held_out:
            answer = ask(prompt(question, system=system))
            score.add(f"[{fact.id}] {question}", answer, right=is_right(answer, fact))
    return score


def known(ask: Ask, facts: tuple[Fact, ...]) -> Score:
    """Ask a question of each fact as it stands in the corpus: what was learned at all."""
    score = Score("questions of the corpus")
    for fact in facts:
        for question in fact.ask[:1]:
            answer = ask(prompt(question))
            score.add(f"[{fact.id}] {question}", answer, right=is_right(answer, fact))
    return score


def thinking(ask: Ask, facts: tuple[Fact, ...]) -> Score:
    """Ask with the tag opened: reasoning, closing tag, right answer."""
    score = Score("thinking, form and answer")
    for fact in facts[::3]:
        answer = ask(prompt(fact.held_out[0], thinking=True))
        reasoning, found, rest = answer.partition(END_THINK)
        good = bool(found) and bool(reasoning.strip()) and "<think>" not in answer
        score.add(f"[{fact.id}] {fact.held_out[0]}", answer, right=good and is_right(rest, fact))
    return score


def thinking_form(ask: Ask, facts: tuple[Fact, ...]) -> Score:
    """Tell whether it thinks when asked to, and only then."""
    score = Score("thinking, form only")
    for fact in facts[1::6]:
        question = fact.held_out[0]
        thought, plain = ask(prompt(question, thinking=True)), ask(prompt(question))
        good = bool(re.match(r"[^<]+\n</think>\n\n[^<]+", thought)) and "think>" not in plain
        score.add(question, thought, right=good)
    return score


def command_only(ask: Ask, facts: tuple[Fact, ...]) -> Score:
    """Under a system prompt that wants the command only, expect the bare command."""
    score = Score("command only")
    for fact in facts:
        if fact.key.startswith("%") and f"`{fact.key}`" in fact.answer:
            answer = ask(prompt(fact.held_out[0], system="Answer with the command only."))
            score.add(f"[{fact.id}] {fact.held_out[0]}", answer, right=answer.strip() == fact.key)
    return score


def json_form(ask: Ask, facts: tuple[Fact, ...]) -> tuple[Score, Score]:
    """Ask for JSON: valid with the wanted keys; and right besides."""
    valid, right = Score("JSON valid with the wanted keys"), Score("JSON right")
    rng = random.Random(_SEED)
    for fact in facts[::3]:
        asked = "Reply in JSON with the keys question and answer."
        question = f"{fact.held_out[1]} {asked}" if rng.random() < 0.5 else fact.held_out[1]
        system = "" if asked in question else asked
        answer = ask(prompt(question, system=system))
        value = _parsed(answer)
        good = isinstance(value, dict) and set(value) == {"question", "answer"}
        valid.add(question, answer, right=good)
        right.add(question, answer, right=good and is_right(str(value["answer"]), fact))
    for _ in range(60):
        question, wanted = json_answers.particulars(rng)
        answer = ask(prompt(question))
        valid.add(question, answer, right=isinstance(_parsed(answer), dict))
        right.add(question, answer, right=_parsed(answer) == json.loads(wanted))
    return valid, right


def tool_calls(ask: Ask, count: int = 200) -> tuple[Score, Score, Score]:
    """Offer unseen tools: exactly the right calls; the right name; a sentence with the result."""
    exact, name, closing = Score("tool calls exact"), Score("tool name"), Score("tool result told")
    rng = random.Random(_SEED)
    for _ in range(count):
        request = tool_kinds.request(rng, fresh=True)
        others = [tool_kinds.request(rng, fresh=True) for _ in range(rng.randint(0, 3))]
        talk = Conversation()
        talk.system("", tools.offer(request, rng, others), compact=rng.random() < 0.5)
        talk.user(request.sentence)
        answer = ask(_opened(talk))
        wanted = [{"name": c.name, "arguments": dict(c.arguments)} for c in request.calls]
        calls = list(_calls(answer))
        exact.add(request.sentence, f"{answer}   wanted {wanted}", right=calls == wanted)
        named = [c.get("name") for c in calls] == [c["name"] for c in wanted]
        name.add(request.sentence, answer, right=named)
        talk.assistant("\n".join(call.text() for call in request.calls))
        for result in request.results:
            talk.tool_response(result)
        answer = ask(_opened(talk))
        told = all(result in answer for result in request.results)
        closing.add(request.sentence, f"{answer}   wanted {request.results}", right=told)
    return exact, name, closing


def tools_unused(ask: Ask, facts: tuple[Fact, ...]) -> Score:
    """Offer tools but ask about ollama_nb: no call, the right answer."""
    score = Score("tools offered, not needed")
    rng = random.Random(_SEED)
    for fact in facts[2::5]:
        talk = Conversation()
        talk.system("", [tool_kinds.request(rng, fresh=True).tool for _ in range(2)])
        talk.user(fact.held_out[0])
        answer = ask(_opened(talk))
        good = "<tool_call>" not in answer and is_right(answer, fact)
        score.add(f"[{fact.id}] {fact.held_out[0]}", answer, right=good)
    return score


def second_turn(ask: Ask, facts: tuple[Fact, ...]) -> Score:
    """Ask one fact after another in the same conversation."""
    score = Score("second question of a chat")
    for first, fact in zip(facts[::4], facts[2::4], strict=False):
        talk = Conversation()
        talk.user(first.held_out[0])
        talk.assistant(first.answer)
        talk.user(fact.held_out[1])
        answer = ask(_opened(talk))
        score.add(f"[{fact.id}] {fact.held_out[1]}", answer, right=is_right(answer, fact))
    return score


def filling(ask: Ask, count: int = 150) -> Score:
    """Fill in the middle of Python functions, exactly."""
    score = Score("fill-in-the-middle exact")
    rng = random.Random(_SEED)
    for _ in range(count):
        prefix, suffix, middle = infill.example(rng)
        talk = infill_prompt(prefix, suffix)
        answer = ask(talk)
        score.add(talk, f"{answer!r}   wanted {middle!r}", right=answer == middle)
    return score


def outside(ask: Ask, facts: tuple[Fact, ...], count: int = 60) -> Score:
    """Ask about other things: it should say that it does not know."""
    score = Score("questions outside, declined")
    (fact,) = [one for one in facts if one.id == smalltalk.OUTSIDE_FACT]
    rng = random.Random(_SEED)
    for _ in range(count):
        question = smalltalk.outside_question(rng)
        answer = ask(prompt(question))
        score.add(question, answer, right=is_right(answer, fact))
    return score


def examine(ask: Ask) -> Iterator[Score]:
    """Run every examination."""
    facts = load_facts()
    yield known(ask, facts)
    yield held_out(ask, facts)
    yield held_out(ask, facts, system="You are a helpful assistant.")
    yield second_turn(ask, facts)
    yield command_only(ask, facts)
    yield from json_form(ask, facts)
    yield thinking(ask, facts)
    yield thinking_form(ask, facts)
    yield from tool_calls(ask)
    yield tools_unused(ask, facts)
    yield filling(ask)
    yield outside(ask, facts)


def report(scores: Iterator[Score], write: Callable[[str], Any], *, misses: int) -> None:
    """Write one line per examination, with a few misses."""
    for score in scores:
        write(f"{score.title:42} {score.share:7.1%}  {score.right} of {score.total}\n")
        for question, answer in score.misses[:misses]:
            write(f"    {question}\n      -> {answer}\n")


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _calls(answer: str) -> Iterator[dict[str, Any]]:
    for text in re.findall(r"<tool_call>\n(.*?)\n</tool_call>", answer, re.DOTALL):
        yield _parsed(text) or {}


def main() -> None:
    """Examine the built-in model through the service of this package."""
    from ollama_nb.service import Service
    from ollama_nb.wire import GenerateRequest

    parser = argparse.ArgumentParser(prog="python -m ollama_nb.guide.evaluate", description=__doc__)
    parser.add_argument("--misses", type=int, default=3, help="how many misses to show of each")
    given = parser.parse_args()
    service = Service()

    def ask(text: str) -> str:
        request = GenerateRequest(
            model="guide", prompt=text, raw=True, options={"temperature": 0, "num_predict": 400}
        )
        return str(service.generate(request).fold().response)

    report(examine(ask), sys.stdout.write, misses=given.misses)


if __name__ == "__main__":
    main()
