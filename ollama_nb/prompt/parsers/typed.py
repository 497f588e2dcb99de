"""Arguments that a model writes as bare text, given the types of the tool's schema."""

from typing import Any

from .literals import Malformed
from .values import read_value

_MATCHES = {
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "boolean": lambda value: isinstance(value, bool),
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "null": lambda value: value is None,
}


def typed(text: str, types: frozenset[str]) -> Any:
    """The value in one of the types; the text itself if it fits none, or none is known."""
    wanted = types & _MATCHES.keys()
    if not wanted:
        return text
    try:
        value = read_value(text.strip())
    except Malformed:
        return text
    fits = value is None or any(_MATCHES[one](value) for one in wanted)
    if value is None and "null" not in types:
        fits = "string" not in types
    # A float without a fraction is an integer as JSON sees it.
    if isinstance(value, float) and "integer" in wanted and value.is_integer():
        return int(value) if "number" not in wanted else value
    return value if fits else text
