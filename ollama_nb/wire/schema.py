"""``format``: JSON, or a JSON schema within bounds (8.3; limits: faults and security, 5)."""

import json
import re
import sys
from typing import Any

from ollama_nb.errors import BadRequest, InvalidFormat

from .codec import encode_value
from .schema_checks import check_schema
from .schema_nodes import escaped, nodes, schemas
from .schema_rules import COUNTS

_MOST_BYTES = 256 << 10
_MOST_CHOICES = 5000
_FORMATS = frozenset({
    "date-time", "date", "time", "duration", "email", "hostname", "ipv4", "ipv6", "uri", "uuid",
})  # fmt: skip
"""Those that are enforced; to JSON Schema every other one is a remark.

By their shape: 29 February fits a ``date`` in every year, and second 60 a ``time`` at every minute.
"""
_SURROGATE = re.compile(r"[\ud800-\udfff]")


def answer_schema(value: Any) -> dict[str, Any] | None:
    """Return the schema that ``format`` asks for; None: no constraint.

    Raises InvalidFormat for what is no format, BadRequest, with the JSON pointer, for a schema that
    is too large or would not be kept.
    """
    if value is None or value == "":
        return None
    if value == "json":
        return {"type": "object"}
    if not isinstance(value, dict):
        raise InvalidFormat(encode_value(value))
    for at, node in nodes(value):
        _check_node(at, node)
    text = json.dumps(value)
    if len(text) > _MOST_BYTES:
        raise BadRequest(f"invalid format: the schema is larger than {_MOST_BYTES >> 10} KiB")
    check_schema(value)
    schema: dict[str, Any] = json.loads(text)  # a copy, and faster than copy.deepcopy
    _mend(schema)
    return schema


def _check_node(at: str, node: Any) -> None:
    """Refuse a list that is too long, and what no JSON text can carry."""
    if isinstance(node, list) and len(node) > _MOST_CHOICES:
        raise BadRequest(f"invalid format: more than {_MOST_CHOICES} choices at #{at}")
    if isinstance(node, dict) and not all(map(_is_json, node)):
        raise BadRequest(f"invalid format: half a surrogate pair in a key at #{at}")
    for key, one in node.items() if isinstance(node, dict) else enumerate(node):
        if not _is_json(one):
            what = "half a surrogate pair" if isinstance(one, str) else "a number out of range"
            raise BadRequest(f"invalid format: {what} at #{at}/{escaped(key)}")


def _is_json(one: Any) -> bool:
    if isinstance(one, str):
        return not _SURROGATE.search(one)
    return not isinstance(one, int | float) or abs(one) <= sys.float_info.max


def _mend(schema: dict[str, Any]) -> None:
    """Say it in the engine's words, in place: no formats that are remarks, no counts like 2.0."""
    for _, node in schemas(schema):
        if isinstance(node.get("format"), str) and node["format"] not in _FORMATS:
            del node["format"]
        for keyword in COUNTS:
            count = node.get(keyword)
            if isinstance(count, float) and count.is_integer():
                node[keyword] = int(count)
