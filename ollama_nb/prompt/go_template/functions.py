"""The functions that templates may call: Go's own and those that Ollama adds.

``and`` and ``or`` decide which of their arguments are looked at: the compiler knows them.
"""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any, NamedTuple

from . import escapes
from .errors import Fault
from .formatting import sprintf
from .json_text import json_text
from .literals import as_bytes, as_text
from .printing import NO_VALUE, sprint, sprintln, text_within
from .values import Struct, kind, type_name


class Function(NamedTuple):
    """``least`` and ``most`` count arguments; the first ``num_texts`` must be strings."""

    call: Callable[..., Any]
    least: int = 1
    most: int | None = None
    num_texts: int = 0
    grows: bool = False
    """Whether the result can be longer than the arguments, and is paid for by its length."""


def equal(first: Any, *others: Any) -> bool:
    """Whether one of the others is the same; nil can be compared with anything."""
    if not others:
        raise Fault("missing argument for comparison")
    return any(_equal(first, other) for other in others)


def _equal(first: Any, other: Any) -> bool:
    left, right = kind(first), kind(other)
    if left != right:
        if first is None or other is None:
            return False
        raise Fault(f"incompatible types for comparison: {type_name(first)} and {type_name(other)}")
    if left:
        return bool(first == other)
    if first is None or other is None:
        return first is other
    if _shape(first) is not _shape(other):
        names = (text_within(first), type_name(first), type_name(other), text_within(other))
        raise Fault("non-comparable types {}: {}, {}: {}".format(*names))
    raise Fault(f"non-comparable type {text_within(other)}: {type_name(other)}")


def _shape(value: Any) -> type:
    return next(shape for shape in (list, dict, Struct, object) if isinstance(value, shape))


def _not_equal(first: Any, other: Any) -> bool:
    return not equal(first, other)


def _less(first: Any, other: Any) -> bool:
    left, right = kind(first), kind(other)
    if not left or not right:
        raise Fault("invalid type for comparison")
    if left != right:
        raise Fault(f"incompatible types for comparison: {type_name(first)} and {type_name(other)}")
    if left in ("bool", "complex"):
        raise Fault("invalid type for comparison")
    if left == "string":
        return as_bytes(first) < as_bytes(other)
    return bool(first < other)


def _less_or_equal(first: Any, other: Any) -> bool:
    return _less(first, other) or equal(first, other)


def _greater(first: Any, other: Any) -> bool:
    return not _less_or_equal(first, other)


def _greater_or_equal(first: Any, other: Any) -> bool:
    return not _less(first, other)


def _not(value: Any) -> bool:
    return not value


def _len(value: Any) -> int:
    if isinstance(value, str):
        return len(value) if value.isascii() else len(as_bytes(value))
    if isinstance(value, list | dict):
        return len(value)
    raise Fault("len of nil pointer" if value is None else f"len of type {type_name(value)}")


def _index(value: Any, *indexes: Any) -> Any:
    if value is None:
        raise Fault("index of untyped nil")
    for index in indexes:
        value = _item(value, index)
    return value


def _item(value: Any, index: Any) -> Any:
    if value is None:
        raise Fault("index of nil pointer")
    if isinstance(value, dict):
        if index is None:
            raise Fault("value is nil; should be of type string")
        if not isinstance(index, str):
            raise Fault(f"value has type {type_name(index)}; should be string")
        return value.get(index)
    if not isinstance(value, list | str):
        raise Fault(f"can't index item of type {type_name(value)}")
    items: list[Any] | bytes = as_bytes(value) if isinstance(value, str) else value
    number = _position(index, len(items))
    if number == len(items):
        name = "string" if isinstance(value, str) else "slice"
        raise Fault(f"reflect: {name} index out of range")
    return items[number]


def _position(index: Any, limit: int) -> int:
    if index is None:
        raise Fault("cannot index slice/array with nil")
    if type(index) is not int:
        raise Fault(f"cannot index slice/array with type {type_name(index)}")
    if not 0 <= index <= limit:
        raise Fault(f"index out of range: {index}")
    return index


def _slice(value: Any, *indexes: Any) -> Any:
    # ``slice $.Messages $i``, in every turn of many loops
    is_simple = len(indexes) == 1 and isinstance(value, list) and type(indexes[0]) is int
    if is_simple and 0 <= indexes[0] <= len(value):
        return value[indexes[0] :]
    if value is None:
        raise Fault("slice of untyped nil")
    if len(indexes) > 3:
        raise Fault(f"too many slice indexes: {len(indexes)}")
    if not isinstance(value, list | str):
        raise Fault(f"can't slice item of type {type_name(value)}")
    if isinstance(value, str) and len(indexes) == 3:
        raise Fault("cannot 3-index slice a string")
    items: list[Any] | bytes = as_bytes(value) if isinstance(value, str) else value
    bounds = [_position(index, len(items)) for index in indexes]
    start, end, capacity = [*bounds, *(0, len(items), len(items))[len(bounds) :]]
    for low, high in ((start, end), (end, capacity)):
        if low > high:
            raise Fault(f"invalid slice index: {low} > {high}")
    cut = items[start:end]
    return as_text(cut) if isinstance(cut, bytes) else cut


def _call(written: str, function: Any, *_: Any) -> Any:
    """Call what is ``written`` so: data hold no functions."""
    if function is None:
        raise Fault("call of nil")
    raise Fault(f"non-function {written} of type {type_name(function)}")


def _text(values: tuple[Any, ...]) -> str:
    """The arguments of an escaping function as one text."""
    return sprint([NO_VALUE if value is None else value for value in values])


def _current_date(*_: Any) -> str:
    return date.today().isoformat()


def _yesterday(*_: Any) -> str:
    return (date.today() - timedelta(days=1)).isoformat()


_SCRIPT_TYPES = {
    "string": "string", "number": "number", "integer": "number", "boolean": "boolean",
    "array": "any[]", "object": "Record<string, any>", "null": "null",
}  # fmt: skip


def _to_script_type(value: Any) -> str:
    """The TypeScript type of a tool's property."""
    if not isinstance(value, Struct) or value.type_name != "api.ToolProperty":
        return "any"
    if value.fields["AnyOf"]:
        return " | ".join(map(_to_script_type, value.fields["AnyOf"]))
    names = [_SCRIPT_TYPES.get(name, "any") for name in value.fields["Type"]]
    return " | ".join(names) or "any"


def _pair(call: Callable[..., Any]) -> Function:
    return Function(call, 2, 2)


FUNCTIONS = {
    "and": Function(lambda *values: values[-1]),
    "call": Function(_call),
    "currentDate": Function(_current_date, 0, None, 1 << 20),
    "eq": Function(equal),
    "ge": _pair(_greater_or_equal),
    "gt": _pair(_greater),
    "html": Function(lambda *values: escapes.html(_text(values)), 0, grows=True),
    "index": Function(_index),
    "js": Function(lambda *values: escapes.script(_text(values)), 0, grows=True),
    "json": Function(json_text, 1, 1, grows=True),
    "le": _pair(_less_or_equal),
    "len": Function(_len, 1, 1),
    "lt": _pair(_less),
    "ne": _pair(_not_equal),
    "not": Function(_not, 1, 1),
    "or": Function(lambda *values: values[-1]),
    "print": Function(lambda *values: sprint(values), 0, grows=True),
    "printf": Function(lambda pattern, *values: sprintf(pattern, values), 1, None, 1, grows=True),
    "println": Function(lambda *values: sprintln(values), 0, grows=True),
    "slice": Function(_slice, grows=True),
    "toTypeScriptType": Function(_to_script_type, 1, 1, grows=True),
    "urlquery": Function(lambda *values: escapes.query(_text(values)), 0, grows=True),
    "yesterdayDate": Function(_yesterday, 0, None, 1 << 20),
}
