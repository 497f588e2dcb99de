"""Quotes around the values of a Modelfile (reference: models, 4.1 and 4.5).

Ollama has two, ``"…"`` and triple ones, both over several lines. A quote closes only at the end of
a line and nothing escapes it, so that a text with a line that ends in three quotes has none that
holds it. Ours is a third, as in Swift: triple quotes between as many ``#`` as are needed.

Ollama drops what it cannot print, such as no-break spaces and the joiners of emoji and of Persian.
We do so outside of quotes alone, or a model could not be written down and made again from it.
"""

import re
import unicodedata
from functools import lru_cache

BLANKS = " \t"

_OPENING = re.compile(r'#*+"""|"')
_TRIPLE = '"""'
_LINE_ENDS = re.compile(r'"""(#*+)([^"\r\n]*+)[\r\n]')


def opening(text: str, at: int) -> str:
    """Return the quote that opens there, or nothing."""
    match = _OPENING.match(text, at)
    return match[0] if match else ""


def find_close(text: str, start: int, quote: str) -> tuple[int, int] | None:
    """Find where a quote closes: the end of what it holds, and the end of its line."""
    pattern = _closing(len(quote) - len(_TRIPLE) if quote != '"' else -1)
    while match := pattern.search(text, start):
        if is_nothing(match[1]):
            return match.start(), match.end()
        start = match.end()
    return None


def quoted(value: str) -> str:
    """Write a value so that it is read as it was: Ollama's way where there is one."""
    if _is_plain(value):
        return value
    if '"' not in value:
        return f'"{value}"'
    marks = _marks(value)
    return f"{marks}{_TRIPLE}{value}{_TRIPLE}{marks}"


def is_nothing(text: str) -> bool:
    """Whether nothing is left of it, outside of quotes, but blanks."""
    return all(char in BLANKS or _is_dropped(char) for char in text)


def printable(text: str) -> str:
    """What Ollama keeps of a text without quotes."""
    if text.isprintable():
        return text
    return "".join(char for char in text if char == "\t" or not _is_dropped(char))


def _is_dropped(char: str) -> bool:
    """Whether it is no text; what Python does not know may be a newer emoji, and stays."""
    return not char.isprintable() and char not in "\t\r\n" and unicodedata.category(char) != "Cn"


def _is_plain(value: str) -> bool:
    if not value or "\n" in value or "\r" in value or value != value.strip(BLANKS):
        return False
    return not opening(value, 0) and value == printable(value)


def _marks(value: str) -> str:
    """The fewest ``#`` with which no line but the last ends as the quote does."""
    taken = {len(marks) for marks, rest in _LINE_ENDS.findall(value) if is_nothing(rest)}
    return "#" * next(number for number in range(len(taken) + 1) if number not in taken)


@lru_cache(maxsize=8)
def _closing(marks: int) -> re.Pattern[str]:
    """The closing quote and the rest of its line; ``marks`` below zero: the single one."""
    end = '"' if marks < 0 else f"{_TRIPLE}#{{{marks}}}"
    return re.compile(rf'{end}([^"\r\n]*+)(?=[\r\n]|\Z)')
