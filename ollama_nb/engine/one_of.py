"""``oneOf`` whose choices share no value is ``anyOf``, which any engine can do.

llguidance compares choices too, but neither numbers nor schemas that refer to themselves, and it
knows nothing of ``discriminator``, by which pydantic and OpenAPI tell objects apart.
"""

import itertools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias
from urllib.parse import unquote

Places: TypeAlias = Mapping[str, dict[str, Any]]
"""All schemas within a schema by their pointers."""
_Values: TypeAlias = frozenset[str] | None
"""The only values that fit, as JSON; None where more may."""
_MOST_CHOICES = 100
"""Each is compared with each."""
_TYPES = ("null", "boolean", "number", "string", "array", "object")


def settle_one_of(places: Places) -> None:
    """Write ``anyOf`` for ``oneOf``, in place, except where choices may overlap.

    Every answer fits what was there before; the schemas stand in the same order.
    """
    found = [node for node in places.values() if isinstance(node.get("oneOf"), list)]
    if any("$id" in node for at, node in places.items() if at):
        return  # pointers start there
    for node in found:
        _require_tag(node, places)
    for node in found:
        if "anyOf" not in node and _are_apart(node["oneOf"], places):
            _rewrite(node)


def _rewrite(node: dict[str, Any]) -> None:
    # The discriminator has served, and beside it no reference may lead back.
    kept = {"anyOf" if key == "oneOf" else key: one for key, one in node.items()}
    kept.pop("discriminator", None)
    node.clear()
    node.update(kept)


def _require_tag(node: dict[str, Any], places: Places) -> None:
    """What a discriminator reads must be there; pydantic does not say so if it has a default."""
    tag = _mapping(node.get("discriminator")).get("propertyName")
    for choice in node["oneOf"]:
        one = _resolved(choice, places)
        if isinstance(tag, str) and tag in _mapping(one.get("properties")):
            one["required"] = list(dict.fromkeys([*_required(one), tag]))


@dataclass(frozen=True)
class _Choice:
    """What tells a choice from others."""

    values: _Values
    types: frozenset[str]
    required: frozenset[str]
    properties: dict[str, _Values]

    def shares_nothing_with(self, other: "_Choice") -> bool:
        """Whether certainly no value fits both."""
        types = self.types & other.types
        if not types or _disjoint(self.values, other.values):
            return True
        return types == {"object"} and any(
            _disjoint(self.properties.get(name), other.properties.get(name))
            for name in self.required | other.required
        )


def _are_apart(choices: list[Any], places: Places) -> bool:
    if len(choices) > _MOST_CHOICES:
        return False
    told = [_choice(_resolved(one, places), places) for one in choices]
    return all(one.shares_nothing_with(other) for one, other in itertools.combinations(told, 2))


def _choice(schema: dict[str, Any], places: Places) -> _Choice:
    types = schema.get("type")
    listed = [types] if isinstance(types, str) else types if isinstance(types, list) else _TYPES
    properties = _mapping(schema.get("properties"))
    return _Choice(
        _values(schema),
        frozenset("number" if one == "integer" else str(one) for one in listed),
        frozenset(_required(schema)),
        {name: _values(_resolved(one, places)) for name, one in properties.items()},
    )


def _values(schema: dict[str, Any]) -> _Values:
    values = [schema["const"]] if "const" in schema else schema.get("enum")
    # 1.0 is 1, and objects are equal in any order: those are not compared.
    if not isinstance(values, list) or any(isinstance(one, float | list | dict) for one in values):
        return None
    return frozenset(map(json.dumps, values))


def _disjoint(some: _Values, others: _Values) -> bool:
    return some is not None and others is not None and some.isdisjoint(others)


def _resolved(schema: Any, places: Places) -> dict[str, Any]:
    """The schema itself, or the one that it refers to; beside that, it could only say more."""
    for _ in range(10):
        reference = _mapping(schema).get("$ref")
        if not isinstance(reference, str):
            break
        schema = places.get(unquote(reference.removeprefix("#")))
    return _mapping(schema)


def _required(schema: dict[str, Any]) -> list[str]:
    required = schema.get("required")
    return [one for one in required if isinstance(one, str)] if isinstance(required, list) else []


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
