"""Values as text, as Go's fmt prints them with %v."""

from collections.abc import Sequence
from typing import Any

from .floats import shortest
from .json_text import json_text
from .literals import as_bytes
from .values import JsonList, JsonMap, NamesList, Struct

NO_VALUE = "<no value>"


def text_of(value: Any) -> str:
    """What an action writes."""
    if value is None:
        return NO_VALUE
    return text_within(value)


def text_within(value: Any) -> str:
    """What print and the elements of a list show: nil looks different there."""
    if isinstance(value, str):
        return value
    if value is None:
        return "<nil>"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return shortest(value)
    if isinstance(value, complex):
        return complex_text(value)
    return _collection_text(value)


def _collection_text(value: Any) -> str:
    if isinstance(value, JsonList | JsonMap):
        return json_text(value)
    if isinstance(value, Struct):
        if value.prints_json:
            return json_text(value)
        return f"{{{' '.join(map(text_within, value.fields.values()))}}}"
    if isinstance(value, NamesList) and len(value) < 2:
        return "".join(value)
    if isinstance(value, list):
        return f"[{' '.join(map(text_within, value))}]"
    if isinstance(value, dict):
        pairs = (f"{key}:{text_within(value[key])}" for key in sorted_keys(value))
        return f"map[{' '.join(pairs)}]"
    raise TypeError(f"not a value of a template: {type(value).__name__}")


def complex_text(value: complex) -> str:
    """Both parts in parentheses, the second with its sign."""
    imaginary = shortest(value.imag)
    plus = "" if imaginary[0] in "+-" else "+"
    return f"({shortest(value.real)}{plus}{imaginary}i)"


def sprint(values: Sequence[Any]) -> str:
    """Join as Go's Sprint: a blank between two that are no strings."""
    pieces: list[str] = []
    previous: Any = ""
    for value in values:
        if pieces and not isinstance(value, str) and not isinstance(previous, str):
            pieces.append(" ")
        pieces.append(text_within(value))
        previous = value
    return "".join(pieces)


def sprintln(values: Sequence[Any]) -> str:
    """Join with blanks and end the line."""
    return " ".join(map(text_within, values)) + "\n"


def sorted_keys(value: dict[str, Any]) -> list[str]:
    """The keys in the order of their bytes."""
    keys = list(value)
    return sorted(keys) if all(map(str.isascii, keys)) else sorted(keys, key=as_bytes)
