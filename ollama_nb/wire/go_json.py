"""JSON in the bytes that Go's encoder writes, since blobs are named by them (models, 2.5).

A dict keeps its order, as the fields of a Go struct do; a Map, and whatever lies inside of it, is
sorted, as Go sorts a map. A float is a float64, a Float32 a float32.
"""

import re
from collections.abc import Iterable
from decimal import Decimal
from math import isfinite
from typing import Any

_HTML = {character: f"\\u{ord(character):04x}" for character in "<>&\u2028\u2029"}
_CONTROLS = {chr(code): f"\\u{code:04x}" for code in range(32)}
_SHORT = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_ESCAPES = str.maketrans(_HTML | _CONTROLS | _SHORT)
_SURROGATE = re.compile("[\ud800-\udfff]")
_REPLACEMENT = "\ufffd"
_LEAST_PLAIN, _LEAST_SCIENTIFIC = 1e-6, 1e21


class Map(dict[str, Any]):
    """An object whose members Go sorts by their names: parameters, whatever has free keys."""


class Float32(float):
    """A number that Go holds in 32 bits, and writes with as few digits as those need."""


def encode(value: object) -> bytes:
    """A document: compact, UTF-8, and a newline at the end.

    Raises ValueError for numbers that JSON has not, TypeError for what is no JSON value.
    """
    return f"{_text(value, sort=False)}\n".encode()


def _text(value: object, *, sort: bool) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case str():
            return string(value)
        case int():
            return int.__repr__(value)
        case float():
            return number(value)
        case dict():
            return _object(value.items(), sort=sort or isinstance(value, Map))
        case list() | tuple():
            return f"[{','.join(_text(item, sort=sort) for item in value)}]"
    raise TypeError(f"{type(value).__name__} is no JSON value")


def _object(members: Iterable[tuple[str, Any]], *, sort: bool) -> str:
    # Code points sort as their UTF-8 does.
    ordered = sorted(members, key=lambda member: member[0]) if sort else members
    return f"{{{','.join(f'{string(key)}:{_text(item, sort=sort)}' for key, item in ordered)}}}"


def string(text: str) -> str:
    """A text in quotes, with what HTML would read escaped."""
    return f'"{_SURROGATE.sub(_REPLACEMENT, text).translate(_ESCAPES)}"'


def number(value: float) -> str:
    """The shortest digits that read back the same. Raises ValueError for what is no number."""
    if not isfinite(value):
        raise ValueError(f"{value} has no JSON form")
    # Python and numpy find the shortest digits that give the number back, as Go does; and Go
    # compares a float32 in 32 bits.
    kind = _float32() if isinstance(value, Float32) else float
    size, least, most = abs(kind(value)), kind(_LEAST_PLAIN), kind(_LEAST_SCIENTIFIC)
    sign, digits, exponent = Decimal(str(kind(value))).normalize().as_tuple()
    assert isinstance(exponent, int)
    minus, text = "-" if sign else "", "".join(map(str, digits))
    if size != 0 and (size < least or size >= most):
        power = exponent + len(text) - 1
        fraction = f".{text[1:]}" if text[1:] else ""
        return f"{minus}{text[0]}{fraction}e{_power(power)}"
    return minus + format(Decimal((0, digits, exponent)), "f")


def _float32() -> type[Any]:
    """Loaded when it is wanted: templates and lists of models need this file, and no numpy."""
    import numpy as np

    return np.float32


def _power(power: int) -> str:
    """Go writes two digits at least, and encoding/json takes the zero away below 1."""
    return f"-{-power}" if power < 0 else f"+{power:02d}"
