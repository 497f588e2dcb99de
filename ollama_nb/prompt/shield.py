"""User text must not be able to write control tokens: no message can end its own turn.

A noncharacter goes into every control token's text that occurs in a message; after rendering the
prompt is cut there, so that the tokenizer never sees the two halves together.
"""

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

_MARK = "\ufdd0"

Breaking = Callable[[str], str]
"""Breaks every control token that a text spells."""


def shield(text: str, controls: tuple[str, ...]) -> str:
    """Break every control token that ``text`` spells, invisibly to the template."""
    return _breaking(controls)(text)


def shield_all(value: Any, controls: tuple[str, ...]) -> Any:
    """The same for every text in a JSON value, keys included."""
    return _broken(value, _breaking(controls))


def parts(prompt: str) -> list[str]:
    """Cut a rendered prompt at the marks, into parts that are tokenized one by one."""
    return prompt.split(_MARK)


def _broken(value: Any, breaking: Breaking) -> Any:
    if isinstance(value, str):
        return breaking(value)
    if isinstance(value, Mapping):
        return {breaking(key): _broken(item, breaking) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_broken(item, breaking) for item in value]
    return value


@lru_cache(maxsize=64)
def _breaking(controls: tuple[str, ...]) -> Breaking:
    """Prepare for a vocabulary, which may have thousands of control tokens."""
    spelled = frozenset(one for one in controls if len(one) > 1)  # a character cannot be broken
    lengths = sorted(set(map(len, spelled)))
    start = _start_of(spelled)

    def mark(found: re.Match[str]) -> str:
        # Each place is looked at by itself, since occurrences may overlap.
        text, at = found.string, found.start()
        begins = any(text[at : at + length] in spelled for length in lengths)
        return found[0] + _MARK if begins else found[0]

    def breaking(text: str) -> str:
        text = text.replace(_MARK, "")
        return start.sub(mark, text) if start is not None else text

    return breaking


def _start_of(spelled: frozenset[str]) -> re.Pattern[str] | None:
    """Where one may begin: at its first character before its second; most texts have no such."""
    seconds: dict[str, set[str]] = {}
    for one in spelled:
        seconds.setdefault(one[0], set()).add(one[1])
    starts = [
        f"{re.escape(first)}(?=[{re.escape(''.join(sorted(after)))}])"
        for first, after in sorted(seconds.items())
    ]
    return re.compile("|".join(starts)) if starts else None
