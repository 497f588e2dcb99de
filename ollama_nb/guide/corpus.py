"""The corpus: every behaviour in its share, as conversations drawn from one seeded generator."""

import random
from collections import Counter
from collections.abc import Callable, Iterator

from . import infill, json_answers, names, smalltalk, thinking, tool_kinds, tools
from .conversation import Conversation, Tool
from .facts import Fact
from .texts import choose
from .wishes import Wish, wish_for
from .wording import Wording


class Corpus:
    """Draws examples. The facts come round in shuffled order, so that none is left behind."""

    def __init__(self, facts: tuple[Fact, ...], rng: random.Random) -> None:
        self._facts = facts
        self._by_id = {fact.id: fact for fact in facts}
        self._rng = rng
        self._wording = Wording(facts)
        self._openings = openings(facts)
        self._deck: list[Fact] = []

    def examples(self, count: int, mixture: "Mixture") -> Iterator[Conversation]:
        """Draw examples in the shares of a mixture."""
        makers, shares = zip(*mixture, strict=True)
        for _ in range(count):
            yield self._rng.choices(makers, shares)[0](self)

    def _tell(self, talk: Conversation, id: str) -> None:
        talk.assistant(self._by_id[id].answer, about=id)

    def _next_fact(self) -> Fact:
        if not self._deck:
            self._deck = list(self._facts)
            self._rng.shuffle(self._deck)
        return self._deck.pop()

    def _wish(self) -> Wish:
        return wish_for(self._next_fact(), self._wording, self._rng)

    def _system(self, talk: Conversation, chance: float) -> None:
        if self._rng.random() < chance:
            talk.system(smalltalk.harmless_system(self._rng))

    def _fact(self) -> Conversation:
        talk, wish = Conversation(), self._wish()
        self._system(talk, 0.2)
        talk.user(wish.question)
        talk.assistant(wish.answer, about=wish.fact.id)
        return talk

    def _plain(self) -> Conversation:
        """A question as it stands in the facts: the commonest ones come first there."""
        fact, talk = self._next_fact(), Conversation()
        talk.user(self._rng.choice((fact.ask or fact.tasks)[:4]))
        talk.assistant(fact.answer, about=fact.id)
        return talk

    def _opening(self) -> Conversation:
        """A question and the beginning of its answer: which fact is meant, at half the cost."""
        talk, wish = Conversation(), self._wish()
        self._system(talk, 0.15)
        talk.user(wish.question)
        words = wish.answer.split(" ")
        opening = words[: self._openings[wish.fact.id]]
        talk.assistant(" ".join(opening), about=wish.fact.id, whole=opening == words)
        return talk

    def _turns(self, low: int = 2, high: int = 4) -> Conversation:
        """Several questions, with courtesies and follow-ups between them."""
        talk, rng = Conversation(), self._rng
        self._system(talk, 0.2)
        if rng.random() < 0.15:
            talk.user(choose(smalltalk.HELLO, rng))
            self._tell(talk, smalltalk.HELLO_FACT)
        for _ in range(rng.randint(low, high)):
            wish = self._wish()
            talk.user(wish.question)
            talk.assistant(wish.answer, about=wish.fact.id)
            self._follow_up(talk, wish)
        return talk

    def _follow_up(self, talk: Conversation, wish: Wish) -> None:
        rng, kind = self._rng, self._rng.random()
        if kind < 0.15:
            talk.user(choose(smalltalk.THANKS, rng))
            self._tell(talk, smalltalk.THANKS_FACT)
        elif kind < 0.22:
            talk.user(choose(smalltalk.AFTERWARDS, rng))
            talk.assistant(wish.command, about=wish.fact.id)
        elif kind < 0.28:
            talk.user(choose(smalltalk.REPEAT, rng))
            talk.assistant(wish.answer, about=wish.fact.id)
        elif kind < 0.32:
            talk.user(smalltalk.outside_question(rng))
            self._tell(talk, smalltalk.OUTSIDE_FACT)

    def _long(self) -> Conversation:
        return self._turns(6, 16)

    def _command_only(self) -> Conversation:
        talk, wish, rng = Conversation(), self._wish(), self._rng
        asked = choose(smalltalk.COMMAND_ONLY, rng)
        if rng.random() < 0.6:
            more = f" {smalltalk.harmless_system(rng)}" if rng.random() < 0.2 else ""
            talk.system(asked + more)
            talk.user(wish.question)
        else:
            talk.user(f"{wish.question} {asked}")
        talk.assistant(wish.command, about=wish.fact.id)
        return talk

    def _json(self) -> Conversation:
        rng = self._rng
        if rng.random() < 0.35:
            talk = Conversation()
            question, answer = json_answers.particulars(rng)
            talk.user(question)
            talk.assistant(answer)
            return talk
        wish = self._wish()
        return json_answers.converse(wish, rng)

    def _think(self) -> Conversation:
        talk, rng = Conversation(), self._rng
        self._system(talk, 0.15)
        if rng.random() < 0.1:
            outside = self._by_id[smalltalk.OUTSIDE_FACT]
            talk.user(smalltalk.outside_question(rng))
            talk.assistant(
                outside.answer, about=outside.id, thinking=thinking.thought(outside, rng)
            )
        for _ in range(rng.choice((0, 1, 1, 1, 2)) if talk.pieces else rng.choice((1, 1, 1, 2))):
            wish = self._wish()
            talk.user(wish.question)
            thought = thinking.thought(wish.fact, rng)
            talk.assistant(wish.answer, about=wish.fact.id, thinking=thought)
        return talk if any(piece.learned for piece in talk.pieces) else self._think()

    def _tool_call(self) -> Conversation:
        rng = self._rng
        request = tool_kinds.request(rng, fresh=False)
        count = rng.choice((0, 0, 0, 1, 1, 2, 3))
        others = [tool_kinds.request(rng, fresh=False) for _ in range(count)]
        offered = tools.offer(request, rng, others)
        system = smalltalk.harmless_system(rng) if rng.random() < 0.2 else ""
        if rng.random() < 0.85:
            return tools.converse(
                request, offered, rng, system=system, thinking=rng.random() < 0.12
            )
        return self._tools_unused(offered, system)

    def _tools_unused(self, offered: list[Tool], system: str) -> Conversation:
        """Tools are offered, but the question is about ollama_nb, or about nothing they do."""
        talk, rng = Conversation(), self._rng
        talk.system(system, offered, compact=rng.random() < 0.5)
        if rng.random() < 0.75:
            wish = self._wish()
            talk.user(wish.question)
            talk.assistant(wish.answer, about=wish.fact.id)
        elif rng.random() < 0.5:
            talk.user(choose(smalltalk.THANKS, rng))
            self._tell(talk, smalltalk.THANKS_FACT)
        else:
            talk.user(choose(smalltalk.HELLO, rng))
            self._tell(talk, smalltalk.HELLO_FACT)
        return talk

    def _lone_tool(self) -> Conversation:
        """One tool and a request for it: a call is short to read here, so copying is learned."""
        request = tool_kinds.request(self._rng, fresh=False)
        return tools.converse(request, [request.tool], self._rng)

    def _infill(self) -> Conversation:
        return infill.converse(self._rng)

    def _echo(self) -> Conversation:
        """Repeat some words: the quickest way to learn copying, which tool calls live on."""
        talk, rng = Conversation(), self._rng
        words = [rng.choice((names.word, names.identifier, names.person, names.place))(rng)
                 for _ in range(rng.randint(1, 8))]  # fmt: skip
        text = rng.choice((" ", " ", " ", ", ")).join(words)
        frame = rng.choice(("Repeat: {}", "Say {}", "Say: {}", "Repeat after me: {}", "Echo: {}",
                            "Please repeat: {}", "echo {}", "Say only this: {}"))  # fmt: skip
        self._system(talk, 0.1)
        talk.user(frame.format(text))
        talk.assistant(text)
        return talk

    def _small(self) -> Conversation:
        talk, rng, kind = Conversation(), self._rng, self._rng.random()
        self._system(talk, 0.25)
        if kind < 0.7:
            talk.user(smalltalk.outside_question(rng))
            self._tell(talk, smalltalk.OUTSIDE_FACT)
        elif kind < 0.9:
            talk.user(choose(smalltalk.HELLO, rng))
            self._tell(talk, smalltalk.HELLO_FACT)
        else:
            talk.user(choose(smalltalk.THANKS, rng))
            self._tell(talk, smalltalk.THANKS_FACT)
        return talk


def openings(facts: tuple[Fact, ...]) -> dict[str, int]:
    """Count for each fact the words after which its answer cannot be another's, and one more."""
    begun = Counter(
        tuple(words[:end])
        for fact in facts
        for words in [fact.answer.split(" ")]
        for end in range(1, len(words) + 1)
    )
    lengths = {}
    for fact in facts:
        words = fact.answer.split(" ")
        alone = (end for end in range(1, len(words)) if begun[tuple(words[:end])] == 1)
        lengths[fact.id] = next(alone, len(words)) + 1
    return lengths


Mixture = tuple[tuple[Callable[[Corpus], Conversation], float], ...]
"""Makers of examples, each with its share."""

FIRST: Mixture = (
    (Corpus._opening, 0.40),
    (Corpus._fact, 0.16),
    (Corpus._echo, 0.18),
    (Corpus._lone_tool, 0.17),
    (Corpus._infill, 0.09),
)
"""Short examples: which fact is meant, and copying, on which calls and JSON depend."""

ALL: Mixture = (
    (Corpus._opening, 0.33),
    (Corpus._fact, 0.14),
    (Corpus._turns, 0.03),
    (Corpus._long, 0.002),
    (Corpus._command_only, 0.08),
    (Corpus._json, 0.12),
    (Corpus._think, 0.09),
    (Corpus._tool_call, 0.10),
    (Corpus._lone_tool, 0.02),
    (Corpus._infill, 0.04),
    (Corpus._echo, 0.02),
    (Corpus._small, 0.03),
)

LAST: Mixture = (
    (Corpus._plain, 0.25),
    (Corpus._fact, 0.33),
    (Corpus._turns, 0.04),
    (Corpus._command_only, 0.07),
    (Corpus._json, 0.09),
    (Corpus._think, 0.08),
    (Corpus._tool_call, 0.07),
    (Corpus._infill, 0.02),
    (Corpus._small, 0.04),
)
"""Whole answers above all."""
