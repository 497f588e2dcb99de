"""Values as models write them: JSON, or what a reader of Python or JavaScript would also take."""

import json
import math
from collections.abc import Sequence
from typing import Any

from ollama_nb.prompt.chat_data import clean

from .literals import MAX_DEPTH, Literals, Malformed


def read_value(text: str, *, quotes: Sequence[str] = (), ends: bool = False) -> Any:
    """Read a value that is the whole text, with nothing in it that JSON cannot say.

    ``quotes`` stand around strings too. ``ends``: the text lacks no more than closing brackets.
    Raises Malformed.
    """
    try:
        return tidy(json.loads(text, strict=False))
    except (ValueError, RecursionError):
        pass
    reader = Literals(text, quotes=quotes, ends=ends)
    value = reader.value()
    if not reader.at_end():
        raise Malformed
    return tidy(value)


def tidy(value: Any, depth: int = 0) -> Any:
    """The value in the types and characters of JSON. Raises Malformed if it has no such form."""
    if depth > MAX_DEPTH or (isinstance(value, float) and not math.isfinite(value)):
        raise Malformed
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, dict):
        return {clean(str(key)): tidy(one, depth + 1) for key, one in value.items()}
    if isinstance(value, list):
        return [tidy(one, depth + 1) for one in value]
    return value
