"""PARAMETER: which there are, and their values as text (reference: models, 4.2 and 4.4).

The types are those of ``wire.Options``, so what the engine knows is what a Modelfile may say.
"""

import re
from collections.abc import Callable
from typing import Any

import msgspec

from ollama_nb.wire import Options

DEPRECATED = frozenset(("penalize_newline", "low_vram", "f16_kv", "logits_all", "vocab_only"))
"""Said and skipped. To Ollama so are mirostat and use_mlock, which this engine has."""

_INT, _FLOAT, _BOOL, _TEXTS = "int", "float", "bool", "texts"
_BY_TYPE = {int: _INT, float: _FLOAT, bool: _BOOL, bool | None: _BOOL}
_KINDS = {
    field.name: _BY_TYPE.get(field.type, _TEXTS) for field in msgspec.structs.fields(Options)
} | {"draft_num_predict": _INT}  # kept for Ollama; there is no speculative decoding here

_WHOLE = re.compile(r"[+-]?0*[0-9]{1,19}")
_REAL = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,9})?")
_LONGEST_NUMBER = 400
_LARGEST_FLOAT = (2 - 2**-23) * 2.0**127
_TRUE = frozenset(("1", "t", "T", "TRUE", "true", "True"))
_FALSE = frozenset(("0", "f", "F", "FALSE", "false", "False"))


def is_parameter(name: str) -> bool:
    """Whether a Modelfile may say it."""
    return name in _KINDS


def is_list(name: str) -> bool:
    """Whether repeating it adds to it."""
    return _KINDS.get(name) == _TEXTS


def read_value(name: str, text: str) -> Any:
    """Read one value of a known parameter. Raises ValueError with Ollama's words."""
    kind = _KINDS[name]
    value = _READ[kind](text)
    if value is None:
        raise ValueError(f"invalid {kind} value [{text}]")
    return value


def write_values(name: str, value: Any) -> list[str] | None:
    """Write a stored value, a list as several texts; None if ``read_value`` would not give it."""
    if is_list(name):
        texts = value if isinstance(value, list | tuple) else [value]
        return [*texts] if all(isinstance(one, str) for one in texts) else None
    if name not in _KINDS:
        return None
    if isinstance(value, bool):
        text = "true" if value else "false"
    elif isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        text = str(int(value))
    elif isinstance(value, int) and value.bit_length() > 64:  # its digits may be too many
        return None
    else:
        text = str(value)
    read = _READ[_KINDS[name]](text)
    if read is None or read != value or isinstance(read, bool) != isinstance(value, bool):
        return None
    return [text]


def _read_int(text: str) -> int | None:
    """64 bits, as Go."""
    if len(text) > _LONGEST_NUMBER or not _WHOLE.fullmatch(text):
        return None
    number = int(text)
    return number if -(2**63) <= number < 2**63 else None


def _read_float(text: str) -> float | None:
    """Any that a C float can hold; neither NaN nor an infinity."""
    if len(text) > _LONGEST_NUMBER or not _REAL.fullmatch(text):
        return None
    number = float(text)
    return number if abs(number) <= _LARGEST_FLOAT else None


def _read_bool(text: str) -> bool | None:
    if text in _TRUE:
        return True
    return False if text in _FALSE else None


_READ: dict[str, Callable[[str], Any]] = {
    _INT: _read_int,
    _FLOAT: _read_float,
    _BOOL: _read_bool,
    _TEXTS: str,
}
