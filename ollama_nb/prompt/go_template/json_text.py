"""JSON as Go's encoder writes it: compact, maps sorted, what HTML would read escaped."""

import math
from typing import Any

from ollama_nb.wire.go_json import number, string

from .floats import shortest
from .values import NamesList, Struct


def json_text(value: Any) -> str:
    """Write a value.

    Nothing where some of it has no JSON, such as a number beyond all floats: Ollama does not look
    at the encoder's error.
    """
    try:
        return _written(value)
    except ValueError:
        return ""


def _written(value: Any) -> str:
    if isinstance(value, str):
        return string(value)
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"unsupported value: {shortest(value)}")
        return number(value)
    return _collection(value)


def _collection(value: Any) -> str:
    if isinstance(value, dict):
        return _members((key, value[key]) for key in sorted(value))
    if isinstance(value, Struct):
        return _members(value.json().items())
    if isinstance(value, NamesList) and len(value) == 1:
        return _written(value[0])
    if isinstance(value, list):
        # A list of a type of its own is nil when it is empty.
        is_nil = not value and type(value) is not list
        return "null" if is_nil else f"[{','.join(map(_written, value))}]"
    raise ValueError("unsupported type: complex128")


def _members(items: Any) -> str:
    return f"{{{','.join(f'{_written(key)}:{_written(value)}' for key, value in items)}}}"
