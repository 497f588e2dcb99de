"""What of a single schema is refused by name, before the engine sees it.

Either it is too large, or llguidance 1.9.1 would take it and let answers through that break it. The
latter were found with the official test suite and with random schemas.
"""

import itertools
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias

from .schema_nodes import nodes

Node: TypeAlias = dict[str, Any]
_Rule: TypeAlias = Callable[[Any, Node], str]
"""Takes a keyword's value and its schema, returns the complaint, if any."""

COUNTS = ("maxItems", "minItems", "maxLength", "minLength", "maxProperties", "minProperties")
_MOST_REPETITIONS = 1000
_MOST_PROPERTIES = 1000
_EXACT = 2**53
_CONTROL = re.compile(r"[\x00-\x07\x0b\x0e-\x1f\x7f]")
"""Characters that JSON writes by their number alone, which no answer may (engine/patterns.py)."""
_DIALECTS = frozenset({
    "http://json-schema.org/draft-04/schema", "http://json-schema.org/draft-06/schema",
    "http://json-schema.org/draft-07/schema", "https://json-schema.org/draft/2019-09/schema",
    "https://json-schema.org/draft/2020-12/schema",
})  # fmt: skip


def complaints(node: Node) -> Iterator[tuple[str, str]]:
    """What is wrong with a schema, by keyword."""
    for keyword, value in node.items():
        for rule in _RULES_OF.get(keyword, ()):
            if complaint := rule(value, node):
                yield keyword, complaint


def is_number(value: Any) -> bool:
    """JSON's true and false are Python's 1 and 0."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def _scalars(value: Any) -> list[Any]:
    """Everything within a value that is neither object nor list, keys too."""
    inner = [
        [*node, *node.values()] if isinstance(node, dict) else node for _, node in nodes([value])
    ]
    return [one for many in inner for one in many if not isinstance(one, dict | list)]


def _too_often(count: Any, _: Node) -> str:
    much = is_number(count) and count > _MOST_REPETITIONS
    return f"more than {_MOST_REPETITIONS} repetitions" if much else ""


def _too_many(properties: Any, _: Node) -> str:
    much = isinstance(properties, dict) and len(properties) > _MOST_PROPERTIES
    return f"more than {_MOST_PROPERTIES} properties" if much else ""


def _no_schema(held: Any, _: Node) -> str:
    return "" if isinstance(held, dict | bool | list) else "a schema is an object or a boolean"


def _no_schemas(held: Any, _: Node) -> str:
    """Of those by name or number; if there is neither list nor object, the engine says so."""
    held = held.values() if isinstance(held, dict) else held if isinstance(held, list) else ()
    return next(filter(None, (_no_schema(one, {}) for one in held)), "")


def _remote(reference: Any, _: Node) -> str:
    remote = isinstance(reference, str) and not reference.startswith("#")
    return "only local references are followed" if remote else ""


def _unknown_dialect(dialect: Any, _: Node) -> str:
    known = isinstance(dialect, str) and dialect.removesuffix("#") in _DIALECTS
    return "" if known else "$schema is none of drafts 4, 6, 7, 2019-09 and 2020-12"


def _rounded(value: Any, _: Node) -> str:
    """The engine reckons in floats: 2**53 + 1 would be 2**53."""
    far = any(is_number(one) and abs(one) > _EXACT for one in _scalars(value))
    return "numbers beyond 2**53 are not exact" if far else ""


def _not_positive(divisor: Any, _: Node) -> str:
    return "multipleOf must be above 0" if is_number(divisor) and divisor <= 0 else ""


def _repeatable(count: Any, node: Node) -> str:
    """The engine counts a key twice that is written twice; required ones cannot be."""
    required = node.get("required")
    least = len({*map(str, required)}) if isinstance(required, list) else 0
    exceeds = is_number(count) and count > max(least, 1)
    return "minProperties is kept only up to 1 or the number of required ones" if exceeds else ""


def _unwritable(value: Any, _: Node) -> str:
    found = any(isinstance(one, str) and _CONTROL.search(one) for one in _scalars(value))
    return "control characters cannot be written" if found else ""


def _unwritable_names(named: Any, node: Node) -> str:
    return _unwritable([*named], node) if isinstance(named, dict) else ""


_RULES: Sequence[tuple[Sequence[str], _Rule]] = (
    (COUNTS, _too_often),
    (("properties",), _too_many),
    (("items", "additionalItems", "additionalProperties"), _no_schema),
    (("properties", "patternProperties", "allOf", "anyOf", "oneOf", "prefixItems"), _no_schemas),
    (("$ref",), _remote),
    (("$schema",), _unknown_dialect),
    (("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"), _rounded),
    (("const", "enum", "multipleOf"), _rounded),
    (("multipleOf",), _not_positive),
    (("minProperties",), _repeatable),
    (("const", "enum", "required"), _unwritable),
    (("properties",), _unwritable_names),
)
_RULES_OF = {
    keyword: [rule for keywords, rule in _RULES if keyword in keywords]
    for keyword in itertools.chain.from_iterable(keywords for keywords, _ in _RULES)
}
