"""Walks over a JSON schema: over everything in it, or over the schemas alone."""

from collections.abc import Iterator
from typing import Any

from ollama_nb.errors import BadRequest

VALUES = frozenset({"const", "enum", "default", "examples"})
"""Keywords that hold values: whatever stands in them is no schema."""
_NAMED = frozenset({
    "properties", "patternProperties", "dependentSchemas", "dependencies", "$defs", "definitions",
})  # fmt: skip
"""Keywords that hold schemas by names of the author's choice, which are no keywords."""
_DEEPEST = 64


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
        inner = [(f"{at}/{escaped(key)}", one, depth + 1) for key, one in items]
        waiting += reversed([one for one in inner if isinstance(one[1], dict | list)])


def schemas(
    schema: dict[str, Any] | list[Any], at: str = ""
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every object that is a schema with its pointer, outer ones first.

    What stands under an unknown keyword counts as one, since a ``$ref`` may lead to it.
    """
    if isinstance(schema, dict):
        yield at, schema
    for key, one in schema.items() if isinstance(schema, dict) else enumerate(schema):
        if key in _NAMED and isinstance(one, dict):
            for name, inner in one.items():
                if isinstance(inner, dict | list):
                    yield from schemas(inner, f"{at}/{key}/{escaped(name)}")
        elif isinstance(one, dict | list) and key not in VALUES:
            yield from schemas(one, f"{at}/{escaped(key)}")


def escaped(key: Any) -> str:
    """A key as a JSON pointer writes it."""
    return str(key).replace("~", "~0").replace("/", "~1")
