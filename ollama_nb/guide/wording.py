"""The many ways one asks for a fact: frames around its phrases, synonyms, register, typing slips.

Pure text from a seeded generator; a wording that equals a held-out question is never returned.
"""

import random
import re

from .facts import Fact, held_out_questions, words_of
from .synonyms import swap
from .texts import alternatives

TASK_FRAMES = """
How do I {x}?|How do I {x}?|How do I {x}?|How can I {x}?|How can I {x}?|how to {x}|How to {x}?
How would I {x}?|How do you {x}?|How does one {x}?|How do we {x}?|How should I {x}?|How can you {x}?
What is the command to {x}?|What command do I need to {x}?|Which command should I use to {x}?
What do I type to {x}?|What do I have to write to {x}?|What should I run to {x}?
I want to {x}.|I'd like to {x}.|I would like to {x}.|I need to {x}.|I am trying to {x}.
I'm trying to {x}, how?|I have to {x}. How?|I wish to {x}|My goal is to {x}.|I must {x}
please {x}|Please {x}.|Is it possible to {x}?|Can I {x}?|Can I {x}? How?|Could I {x}?|May I {x}?
{x}|{x}|{x}?|{x}!|Is there a way to {x}?|Is there any way to {x}?|Any way to {x}?
What's the way to {x}?|What is the best way to {x}?|What's the easiest way to {x}?
Tell me how to {x}.|Show me how to {x}.|Explain how to {x}|Explain to me how I can {x}.
Help me {x}.|help me to {x}|Can you help me {x}?|Can you tell me how to {x}?|Could you {x}?
Can you {x}?|Can you show me how to {x}?|Do you know how to {x}?|Teach me to {x}.
I don't know how to {x}.|I do not know how to {x}|I wonder how to {x}.|I forgot how to {x}.
steps to {x}|command to {x}|the command to {x}|way to {x}|Give me the command to {x}.
What must I do to {x}?|What do I do to {x}?|What do I do if I want to {x}?|What if I want to {x}?
Does ollama_nb let me {x}?|Can ollama_nb {x}?|What lets me {x}?|How is it possible to {x}?
Which magic lets me {x}?|What is the magic to {x}?|What's the syntax to {x}?|How might I {x}?
How do I go about it if I want to {x}?|What would I enter to {x}?|where do I {x}|Where can I {x}?
"""

GERUND_FRAMES = """
{x}|What about {x}?|What is the command for {x}?|How does {x} work?|How about {x}?
How do I go about {x}?
Tell me about {x}.|I need help with {x}.|I have a question about {x}.|Explain {x}.|command for {x}
Is {x} possible?|What's the syntax for {x}?|instructions for {x}|help with {x}
"""

THING_FRAMES = """
What is {x}?|What is {x}?|What is {x}?|What is {x}?|What's {x}?|what is {x}|what are {x}
What was {x}?
What does {x} mean?|What does {x} do?|What do you mean by {x}?|What is meant by {x}?|meaning of {x}
Explain {x}.|Please explain {x}.|Can you explain {x}?|Could you explain {x} to me?|Describe {x}.
Tell me about {x}.|Tell me more about {x}.|tell me something about {x}|Tell me what {x} is.
What can you tell me about {x}?|What do you know about {x}?|Do you know {x}?|Define {x}.|define {x}
{x}|{x}|{x}?|What about {x}?|Info on {x}|information about {x}|I don't understand {x}.
Help me understand {x}.|I have a question about {x}.|What is {x} for?|What is {x} good for?
How does {x} work?|How do I use {x}?|I want to know about {x}.|I want to know what {x} is.
I would like to know more about {x}.|Give me details about {x}.|What exactly is {x}?
What is {x} all about?
Why would I use {x}?|When do I use {x}?|Who needs {x}?|Do you have {x}?|Is there {x}?
I wonder what {x} is.|What should I know about {x}?|So what is {x}?|Give me a description of {x}.
What is the purpose of {x}?|What's the point of {x}?|purpose of {x}|What is the meaning of {x}?
"""

ASK_FRAMES = """
{x}|{x}|{x}|{x}|{x}|{x}|{x}|{x}|Tell me: {x}|I wonder: {x}|question: {x}|Another question: {x}
Please tell me, {x}|I want to know: {x}|Can you tell me: {x}|Do you know {x}|Quick question. {x}
And {x}
"""

OPENERS = """
Hi, |Hi! |Hello, |Hello! |Hey, |hey |Hi guide, |Good morning. |Please, |Excuse me, |Sorry, |OK,\x20
ok |So, |Now |Well,\x20
Quick question: |I am new here. |I'm a beginner. |In ollama_nb, |With ollama_nb, |in Jupyter:\x20
One question: |Hmm,\x20
"""

CLOSERS = """
 in ollama_nb| with ollama_nb| using ollama_nb| in Jupyter| in my notebook| in a notebook
 here| from a notebook
, please| please|, thanks| again| exactly| in ollama-nb| with this extension| with the extension
 now|, quickly
"""

FILLERS = (
    "just",
    "simply",
    "actually",
    "really",
    "quickly",
    "again",
    "now",
    "maybe",
    "best",
    "also",
)

PLACE_WORDS = re.compile(
    r"terminal|shell|command line|server|hub|notebook|jupyter|kernel|cell|ollama", re.IGNORECASE
)


_TASK, _GERUND, _THING = map(alternatives, (TASK_FRAMES, GERUND_FRAMES, THING_FRAMES))
_ASK, _OPEN, _CLOSE = map(alternatives, (ASK_FRAMES, OPENERS, CLOSERS))


class Wording:
    """Words questions for the facts it knows, so that one fact's phrase never asks for another."""

    def __init__(self, facts: tuple[Fact, ...]) -> None:
        self._held_out = held_out_questions(facts)
        self._owner = {words_of(phrase): fact.id for fact in facts for phrase in _phrases(fact)}

    def question(self, fact: Fact, rng: random.Random) -> str:
        """Return a random wording of a question for the fact, never a held-out one."""
        while True:
            question = noisy(self._framed(fact, rng), rng)
            if words_of(question) not in self._held_out:
                return question

    def _framed(self, fact: Fact, rng: random.Random) -> str:
        """Choose a phrase of the fact, perhaps with synonyms in it, and put a frame around it."""
        kinds = [(_ASK, fact.ask), (_TASK, fact.tasks), (_THING, fact.things)]
        present = [(frames, phrases) for frames, phrases in kinds if phrases]
        weights = [1 + len(phrases) for _, phrases in present]
        frames, phrases = rng.choices(present, weights)[0]
        phrase = rng.choice(phrases)
        swapped = swap(phrase, rng, rate=rng.choice((0, 0.15, 0.3, 0.5)))
        if self._owner.get(words_of(swapped), fact.id) == fact.id:
            phrase = swapped
        if frames is _TASK and rng.random() < 0.1:
            return rng.choice(_GERUND).replace("{x}", _gerund(phrase))
        frame = rng.choice(frames)
        if frames is _ASK and not frame.startswith("{") and not phrase[:2].isupper():
            phrase = phrase[0].lower() + phrase[1:]
        return frame.replace("{x}", phrase)


def _phrases(fact: Fact) -> tuple[str, ...]:
    return (*fact.tasks, *fact.things, *fact.ask)


def _gerund(phrase: str) -> str:
    """Turn "delete a model" into "deleting a model"."""
    verb, _, rest = phrase.partition(" ")
    if re.search(r"[^aeiou]e$|ue$", verb) and verb not in {"be", "see"}:
        verb = verb[:-1]
    elif re.fullmatch(r"[b-df-hj-np-tv-z]*[aeiou][bdgmnpt]", verb):
        verb += verb[-1]
    return f"{verb}ing {rest}".strip()


def noisy(text: str, rng: random.Random) -> str:
    """Add what people add and lose what people lose when they type."""
    if rng.random() < 0.12:
        text = swap(text, rng, rate=0.3)
    if rng.random() < 0.15:
        text = _close(text, rng)
    if rng.random() < 0.15:
        text = rng.choice(_OPEN) + text[:1].lower() + text[1:]
    if rng.random() < 0.18:
        text = _change_a_word(text, rng)
    if rng.random() < 0.1:
        text = _leave_out(text, rng)
    if rng.random() < 0.12:
        text = _slip(text, rng)
    if rng.random() < 0.35:
        text = text.rstrip("?.!")
    if rng.random() < 0.3:
        text = text.lower()
    elif rng.random() < 0.5:
        text = text[:1].upper() + text[1:]
    return text.strip() or "help"


def _close(text: str, rng: random.Random) -> str:
    closer = rng.choice(_CLOSE)
    if PLACE_WORDS.search(closer) and PLACE_WORDS.search(text):
        return text
    body = text.rstrip("?.!")
    return body + closer + text[len(body) :]


def _change_a_word(text: str, rng: random.Random) -> str:
    """Drop an article, add a filler, or exchange an article."""
    words = text.split(" ")
    small = [
        i for i, word in enumerate(words) if word in {"a", "an", "the", "my", "some", "of", "do"}
    ]
    if small and rng.random() < 0.75:
        place = rng.choice(small)
        words[place : place + 1] = rng.choice(([], [], ["the"], ["my"], ["a"], ["this"]))
    elif len(words) > 3:
        words.insert(rng.randrange(2, len(words)), rng.choice(FILLERS))
    return " ".join(words)


def _leave_out(text: str, rng: random.Random) -> str:
    """Leave out any one word of five or more, so that no word alone decides."""
    words = text.split(" ")
    if len(words) > 4:
        del words[rng.randrange(len(words))]
    return " ".join(words)


def _slip(text: str, rng: random.Random) -> str:
    """Mistype one longer word: swap, drop or double a letter."""
    words = text.split(" ")
    long = [i for i, word in enumerate(words) if len(word) > 4 and word.isalpha()]
    if not long:
        return text
    which = rng.choice(long)
    word, at = words[which], rng.randrange(1, len(words[which]) - 1)
    swapped = word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    words[which] = rng.choice(
        (swapped, word[:at] + word[at + 1 :], word[:at] + word[at] + word[at:])
    )
    return " ".join(words)
