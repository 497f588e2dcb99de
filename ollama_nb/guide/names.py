"""Random names and values for the examples: syllable words, places, people, models, identifiers.

One name in ten is reserved: `reserved(name)` is decided by a digest, so training never offers a
reserved name and evaluation offers nothing else.
"""

import hashlib
import random

from .texts import words

PLACES = words("""Paris London Berlin Madrid Rome Vienna Prague Oslo Lisbon Dublin Athens Warsaw
Budapest
Tokyo Kyoto Seoul Beijing Shanghai Delhi Mumbai Cairo Nairobi Lagos Toronto Montreal Chicago Boston
Seattle Denver Houston Miami Lima Bogota Santiago Sydney Melbourne Auckland Zurich Geneva Munich
Hamburg Milan Naples Turin Lyon Nice Porto Seville Valencia Krakow Riga Tallinn Helsinki Stockholm
Copenhagen Amsterdam Brussels Antwerp Istanbul Ankara Dubai Doha Singapore Bangkok Hanoi Manila
Jakarta Havana Quito Austin Dallas Phoenix Portland Atlanta Ottawa Vancouver Calgary""")
PLACES += ["New York", "San Francisco", "Los Angeles", "Cape Town", "Hong Kong", "Buenos Aires"]

PEOPLE = words("""Anna Ben Clara David Emma Felix Grace Hugo Ida Jonas Karin Leo Maria Nina Oscar
Paul
Rosa Sam Tina Uma Viktor Wendy Yara Zoe Alice Bob Carol Dan Eve Frank Gina Henry Iris Jack Kate Liam
Mia Noah Olga Peter Ruth Sofia Tom Vera""")

MODELS = words("""llama3.2 llama3.1 llama3.2:1b llama3.2:3b llama3 mistral mistral-nemo mixtral
gemma2 gemma3 gemma3:4b
gemma3:270m qwen2.5 qwen2.5:0.5b qwen3 qwen3:4b qwen3:0.6b phi3 phi4 phi4-mini deepseek-r1
deepseek-r1:8b smollm2 smollm2:135m tinyllama codellama starcoder2 granite3.3 granite4 olmo2
nomic-embed-text mxbai-embed-large all-minilm gpt-oss gpt-oss:20b llava my-model""")

WORDS = words("""apple river stone table garden winter summer paper window silver orange morning
letter
market bridge forest island mountain music yellow purple rocket planet doctor teacher engine kitchen
bottle camera carpet castle circle coffee cotton desert dinner dragon fabric farmer finger flower
guitar hammer harbor helmet jacket ladder lemon lizard magnet mirror monkey needle ocean parrot
pencil
pepper pillow pocket potato rabbit ribbon saddle salmon shadow spider spring square summit sunset
thread ticket tiger tomato tunnel turtle valley velvet violin walnut weapon wizard alpha beta gamma
price total amount value score age height weight width length date year month day category region
country city status label target income salary profit revenue quantity rating temperature""")

_ONSETS = words("b c d f g h j k l m n p r s t v w z br ch cl dr fl gr kr pl pr sh sk st th tr")
_VOWELS = words("a e i o u a e i o ai ea oo")
_CODAS = ["", "", "", "n", "r", "s", "l", "t", "m", "k", "x", "nd", "st"]


def reserved(name: str) -> bool:
    """Tell whether a name is kept for evaluation."""
    return hashlib.sha256(name.encode()).digest()[0] % 10 == 0


def syllables(rng: random.Random, count: int | None = None) -> str:
    """Return a pronounceable word that means nothing."""
    count = count or rng.choice((1, 2, 2, 2, 3))
    parts = [rng.choice(_ONSETS) + rng.choice(_VOWELS) + rng.choice(_CODAS) for _ in range(count)]
    return "".join(parts)


def place(rng: random.Random) -> str:
    """Return a town, now and then an invented one."""
    return rng.choice(PLACES) if rng.random() < 0.7 else syllables(rng).capitalize()


def person(rng: random.Random) -> str:
    """Return a first name, now and then an invented one."""
    return rng.choice(PEOPLE) if rng.random() < 0.6 else syllables(rng).capitalize()


def word(rng: random.Random) -> str:
    """Return a common or an invented word."""
    return rng.choice(WORDS) if rng.random() < 0.6 else syllables(rng)


def number(rng: random.Random) -> int | float:
    """Return a number people write: mostly small and whole."""
    kind = rng.random()
    if kind < 0.45:
        return rng.randint(0, 20)
    if kind < 0.75:
        return rng.randint(21, 999)
    if kind < 0.85:
        return rng.randint(1000, 99999)
    if kind < 0.9:
        return -rng.randint(1, 50)
    return rng.randint(0, 99) + rng.choice((0.5, 0.25, 0.1, 0.75, 0.2))


def identifier(rng: random.Random) -> str:
    """Return a variable or column name."""
    kind = rng.random()
    if kind < 0.5:
        return word(rng)
    if kind < 0.8:
        return f"{word(rng)}_{word(rng)}"
    return rng.choice(("df", "data", "x", "y", "n", "total", "sales", "users", "values")) + (
        str(rng.randint(1, 9)) if rng.random() < 0.3 else ""
    )
