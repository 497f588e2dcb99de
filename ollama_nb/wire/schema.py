"""``format``: JSON, or a JSON schema within bounds (8.3; limits: faults and security, 5)."""

import json
from collections.abc import Iterator
from typing import Any

from ollama_nb.errors import BadRequest, InvalidFormat

from .codec import encode_value

_MOST_BYTES = 256 << 10
_DEEPEST = 64
_MOST_CHOICES = 5000
_MOST_PROPERTIES = 1000
_MOST_REPETITIONS = 1000
_COUNTS = ("maxItems", "minItems", "maxLength", "minLength", "maxProperties", "minProperties")
_NAMED = ("properties", "patternProperties", "dependentSchemas", "$defs", "definitions")
"""Keywords that hold schemas by names of the author's choice."""
_FORMATS = frozenset({
    "date-time", "date", "time", "duration", "email", "hostname", "ipv4", "ipv6", "uri", "uuid",
})  # fmt: skip
"""Those that are enforced; to JSON Schema every other one is a remark."""


def answer_schema(value: Any) -> dict[str, Any] | None:
    """Return the schema that ``format`` asks for; None: no constraint.

    Raises InvalidFormat for what is no format, BadRequest, with the JSON pointer, for a schema that
    is too large.
    """
    if value is None or value == "":
        return None
    if value == "json":
        return {"type": "object"}
    if not isinstance(value, dict):
        raise InvalidFormat(encode_value(value))
    for at, node in nodes(value):
        _check(at, node)
    if len(json.dumps(value)) > _MOST_BYTES:
        raise BadRequest(f"invalid format: the schema is larger than {_MOST_BYTES >> 10} KiB")
    schema: dict[str, Any] = _without_remarks(value)
    return schema


def nodes(value: Any) -> Iterator[tuple[str, Any]]:
    """Yield every object and list of a JSON value with its pointer, outer ones first.

    Raises BadRequest where they are nested too deeply.
    """
    waiting = [("", value, 0)]
    while waiting:
        at, node, depth = waiting.pop()
        if depth > _DEEPEST:
            raise BadRequest(f"invalid format: nested deeper than {_DEEPEST} levels at #{at}")
        yield at, node
        items = node.items() if isinstance(node, dict) else enumerate(node)
        inner = [(f"{at}/{_escaped(key)}", one, depth + 1) for key, one in items]
        waiting += reversed([one for one in inner if isinstance(one[1], dict | list)])


def _check(at: str, node: Any) -> None:
    if isinstance(node, list):
        _bound(f"#{at}", "choices", len(node), _MOST_CHOICES)
        return
    properties = node.get("properties")
    if isinstance(properties, dict):
        _bound(f"#{at}/properties", "properties", len(properties), _MOST_PROPERTIES)
    for name in _COUNTS:
        count = node.get(name)
        if isinstance(count, int | float):
            _bound(f"#{at}/{name}", "repetitions", count, _MOST_REPETITIONS)
    reference = node.get("$ref")
    if isinstance(reference, str) and not reference.startswith("#"):
        raise BadRequest(f"invalid format: only local references are followed, at #{at}/$ref")


def _bound(at: str, what: str, count: float, most: int) -> None:
    if count > most:
        raise BadRequest(f"invalid format: more than {most} {what} at {at}")


def _without_remarks(node: Any) -> Any:
    if isinstance(node, list):
        return [_without_remarks(one) for one in node]
    if not isinstance(node, dict):
        return node
    remark = isinstance(node.get("format"), str) and node["format"] not in _FORMATS
    kept = {key: one for key, one in node.items() if not (remark and key == "format")}
    for key, one in kept.items():
        if key in _NAMED and isinstance(one, dict):
            kept[key] = {name: _without_remarks(inner) for name, inner in one.items()}
        elif key not in ("const", "enum"):
            kept[key] = _without_remarks(one)
    return kept


def _escaped(key: Any) -> str:
    return str(key).replace("~", "~0").replace("/", "~1")
