"""User text must not be able to write control tokens: no message can end its own turn.

A noncharacter goes into every control token's text that occurs in a message; after rendering the
prompt is cut there, so that the tokenizer never sees the two halves together.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

_MARK = "\ufdd0"


def shield(text: str, controls: tuple[str, ...]) -> str:
    """Break every control token that ``text`` spells, invisibly to the template."""
    text = text.replace(_MARK, "")
    if not any(first in text for first in _firsts(controls)):
        return text
    for control in controls:
        if control in text:
            # Looking ahead finds occurrences that overlap, which a replacement would step over.
            text = re.sub(f"(?={re.escape(control)}).", rf"\g<0>{_MARK}", text, flags=re.DOTALL)
    return text


def shield_all(value: Any, controls: tuple[str, ...]) -> Any:
    """The same for every text in a JSON value, keys included."""
    if isinstance(value, str):
        return shield(value, controls)
    if isinstance(value, Mapping):
        return {shield(key, controls): shield_all(item, controls) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [shield_all(item, controls) for item in value]
    return value


@lru_cache(maxsize=64)
def _firsts(controls: tuple[str, ...]) -> str:
    """The characters with which control tokens begin: few, and most texts have none of them."""
    return "".join({control[0] for control in controls})


def parts(prompt: str) -> list[str]:
    """Cut a rendered prompt at the marks, into parts that are tokenized one by one."""
    return prompt.split(_MARK)
