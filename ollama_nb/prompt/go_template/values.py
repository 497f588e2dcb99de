"""Go's values in Python: None, bool, int, float, str, list and dict, and what only Go has.

A struct knows its fields; some types print as JSON. All texts are Go strings (see literals).
"""

from collections.abc import Callable
from typing import Any


class Struct:
    """A Go struct: unlike a map's, its fields are known, and it is never false."""

    __slots__ = ("fields", "json", "prints_json", "type_name")

    def __init__(
        self,
        type_name: str,
        fields: dict[str, Any],
        json: Callable[[], dict[str, Any]],
        *,
        prints_json: bool = False,
    ) -> None:
        """``json`` makes its members there; ``prints_json``: it prints like this too."""
        self.type_name = type_name
        self.fields = fields
        self.json = json
        self.prints_json = prints_json


class JsonList(list[Any]):
    """A list that prints as JSON; the empty one is nil."""

    type_name = "api.Tools"


class JsonMap(dict[str, Any]):
    """A map that prints as JSON."""

    type_name = "api.ToolCallFunctionArguments"


class NamesList(list[str]):
    """The types of a tool's property: one alone prints, and is JSON, without brackets."""

    type_name = "api.PropertyType"


_TYPE_NAMES = {
    bool: "bool", int: "int", float: "float64", complex: "complex128", str: "string",
    list: "[]interface {}", dict: "map[string]interface {}",
}  # fmt: skip


def type_name(value: Any) -> str:
    """What Go calls the type."""
    return _TYPE_NAMES.get(type(value)) or str(getattr(value, "type_name", "interface {}"))


def kind(value: Any) -> str:
    """What a value can be compared with; empty for what is compared with nil alone."""
    return _KINDS.get(type(value), "")


_KINDS = {bool: "bool", int: "int", float: "float", complex: "complex", str: "string"}
