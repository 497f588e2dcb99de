"""The tools that a request offers, as a reader of calls asks for them."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from .parser import Call

_PREFIX = "functions."
"""What models put before a name of their own accord."""


class Offer:
    """Names of tools and the types of what they take. Never raises, whatever a schema holds."""

    def __init__(self, tools: Sequence[Mapping[str, Any]]) -> None:
        self._properties: dict[str, Mapping[str, Any]] = {}
        for tool in tools:
            function = _mapping(tool.get("function"))
            name = function.get("name")
            if isinstance(name, str) and name:
                parameters = _mapping(function.get("parameters"))
                self._properties[name] = _mapping(parameters.get("properties"))
        longest_first = sorted(self._properties, key=len, reverse=True)
        names = "|".join(map(re.escape, longest_first))
        # Part of a longer word is no name of a tool.
        self._pattern = re.compile(rf"(?<![\w-])(?:{names})(?![\w-])") if names else None

    def __bool__(self) -> bool:
        return bool(self._properties)

    def __contains__(self, name: object) -> bool:
        return name in self._properties

    @property
    def names(self) -> Sequence[str]:
        """Of the tools, in their order."""
        return list(self._properties)

    def resolve(self, name: Any) -> str | None:
        """The offered tool that is meant by a name, if one is."""
        if not isinstance(name, str):
            return None
        name = name.strip()
        if name not in self._properties:
            name = name.removeprefix(_PREFIX)
        return name if name in self._properties else None

    def call(self, name: Any, arguments: Any) -> Call | None:
        """The call, if the tool is on offer and the arguments are an object."""
        known = self.resolve(name)
        if known is None or not isinstance(arguments, dict):
            return None
        return Call(known, arguments)

    def first_in(self, text: str) -> str | None:
        """The first name of a tool in a text, the longest at its place."""
        found = self._pattern.search(text) if self._pattern else None
        return found[0] if found else None

    def parameters(self, name: str) -> Sequence[str]:
        """What a tool takes, in the schema's order."""
        return list(self._properties.get(name, ()))

    def types(self, name: str, parameter: str) -> frozenset[str]:
        """The JSON types that a schema allows for an argument; empty if it does not say."""
        return frozenset(_types(self._properties.get(name, {}).get(parameter)))


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _types(schema: Any) -> set[str]:
    schema = _mapping(schema)
    kinds = schema.get("type")
    kinds = kinds if isinstance(kinds, list | tuple) else [kinds]
    found = {kind for kind in kinds if isinstance(kind, str)}
    choices = schema.get("anyOf")
    for choice in choices if isinstance(choices, list) else ():
        one = _mapping(choice).get("type")
        found |= {one} if isinstance(one, str) else set()
    return found
