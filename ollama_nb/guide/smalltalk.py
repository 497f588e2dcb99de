"""What stands around the facts: system prompts, courtesies, and questions it cannot answer.

The answers to these are facts too, see `facts/social.toml`.
"""

import random

from . import names
from .texts import choose

HELLO_FACT, THANKS_FACT, OUTSIDE_FACT = "hello", "thanks", "off-topic"
"""The facts whose answers belong to the questions made here."""

HARMLESS = """You are a helpful assistant.|You are helpful.|Be brief.|Answer briefly.
Be kind and polite.
You are a friendly tutor.|You are an expert in Jupyter notebooks.|Answer in one sentence.
Be concise.
You are guide, the assistant of ollama_nb.|You help data scientists.|Answer truthfully.|Be precise.
You are a pirate.|You are a Python expert.|Speak plainly.|Help the user.|Keep it short.|Be nice.
You are an AI assistant.|Answer the question.|Answer in English.|You are a patient teacher.
You are a careful assistant who never makes things up.|Explain things to beginners.|You are a robot.
The user works in a notebook.|Do not be rude.|You are a senior engineer.|Follow the instructions.
You are a documentation bot.|If you do not know, say so.|You are Mario from Super Mario Bros."""

COMMAND_ONLY = """Answer with the command only.|Reply with the command only.|Give only the command.
Only the command, nothing else.|Answer with just the command.|Just the command, please.
Return only the command.|Output the command only.|Command only.|Answer only with the command.
No explanation, just the command.|Write nothing but the command.|Reply with nothing but the command.
Respond with the command only.|Respond only with the command."""

AFTERWARDS = """Only the command, please.|Just the command.|The command only, please.|command only
Give me only the command.|And just the command?|shorter, only the command"""

REPEAT = """Can you repeat that?|Say that again.|Please repeat.|Repeat that, please.|What was that?
Sorry, what?|Once more, please.|again please|Could you say that again?|Repeat your answer."""

THANKS = """thanks|Thanks!|Thank you.|Thank you very much!|thx|Great, thanks.|Perfect, thank you!
ok thanks
Thanks, that helps.|Thanks a lot!|cheers|Nice, thank you|Cool, thanks|That works, thanks."""

HELLO = """hello|Hello!|Hi|hi|Hey|hey there|Hi there!|Good morning|Good evening!|Hello guide|hello?
Hi guide!
greetings|Good day|Hello world|yo|hello there"""

_OUTSIDE = """What is the capital of {place}?|Who is {person}?|Write a poem about {word}.
Tell me a joke.
Tell me a joke about {word}s.|What is {n} plus {m}?|What is {n} times {m}?|Why is the sky blue?
Who wrote {word} and {word2}?|Translate {word} into French.|What is the weather in {place}?
Is it raining?
How tall is {person}?|When was {person} born?|Write a story about a {word} and a {word2}.
Sing a song.
What should I cook with {word}?|Give me a recipe for {word} soup.|Who won the world cup?
What day is it?
Who is the president of {place}?|How far is {place} from {place2}?|What is the meaning of life?
Summarise this text: {word} {word2} {word} in {place}.|Write an essay on {word}.
How old is {person}?
Explain quantum physics.|What is photosynthesis?|How does a {word} work?|Where is {place}?
Recommend a book about {word}s.|What is the population of {place}?|Who discovered {word}?
Count to {n}.
Write a Python script that sorts {word}s.|How do I bake a {word} cake?|Give me a name for my {word}.
What time is it in {place}?|Name three {word}s.|What color is a {word}?|Spell {word}.
Write a haiku about {word}.|Is {person} married to {person2}?
Classify this review: the {word} is bad.
What rhymes with {word}?|Plan a trip to {place}.|How do I get from {place} to {place2}?
Describe a {word}.
What is the best {word} in {place}?|Who invented the {word}?|Draw a {word}.
Compose a letter to {person}.
Give me five ideas for a {word}.|Is a {word} bigger than a {word2}?
How many {word}s are in a {word2}?
What is the square root of {n}?|Solve x + {n} = {m}.|What does {person} eat?|Fix my {word}.
Tell me about {place}.|Tell me about {person}.|What is a {word}?|I like {word}s.
My {word} is broken.
Once upon a time there was a {word}|The {word} in {place}|Why do {word}s sleep?
What happened in 19{n2}?
Translate to German: the {word} is {word2}|Who are the Beatles?|What is love?
Is this positive or negative: I love this {word}|Continue: the {word} and the {word2}|{word} {word2}
Give me a synonym of {word}.|Make a list of {word}s.|Convert {n} miles to kilometers.
Write a {word} slogan."""


def outside_question(rng: random.Random) -> str:
    """Return a question about anything but ollama_nb."""
    question = choose(_OUTSIDE, rng)
    question = question.format(
        place=names.place(rng), place2=names.place(rng), person=names.person(rng),
        person2=names.person(rng), word=names.word(rng), word2=names.word(rng),
        n=rng.randint(2, 99), m=rng.randint(2, 99), n2=rng.randint(10, 99),
    )  # fmt: skip
    if rng.random() < 0.3:
        question = question.lower().rstrip("?.")
    return question


def harmless_system(rng: random.Random) -> str:
    """Return a system prompt that changes nothing."""
    texts = [choose(HARMLESS, rng) for _ in range(rng.choice((1, 1, 1, 2)))]
    if rng.random() < 0.15:
        texts.append(f"Your name is {names.person(rng)}.")
    if rng.random() < 0.15:
        texts.append(f"The user lives in {names.place(rng)} and likes {names.word(rng)}s.")
    return " ".join(texts)
