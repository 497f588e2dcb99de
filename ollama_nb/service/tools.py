"""Tools on offer: whether they are what a model can be told, and which of them must be called.

Section numbers are those of the Ollama API reference.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from ollama_nb.errors import BadRequest
from ollama_nb.wire import Tool

from .rendering import Tools

_VALUES = ("const", "enum", "default", "examples")
"""Keywords that hold what may be said, not schemas of it."""
_NAMES = ("properties", "patternProperties", "$defs", "definitions", "dependentSchemas")
"""Keywords that hold schemas by names, which may be those of keywords."""


class _Property(msgspec.Struct):
    """The parts of a property's schema that templates show (8.2); others may be anything."""

    type: str | list[str] | None = None
    description: str | None = None
    enum: list[Any] | None = None
    anyOf: "list[_Property | bool] | None" = None  # noqa: N815 - JSON schema's word
    properties: "dict[str, _Property | bool] | None" = None
    required: list[str] | None = None


class _Parameters(msgspec.Struct):
    type: str | None = None
    required: list[str] | None = None
    properties: dict[str, _Property | bool] | None = None


def offered_tools(tools: Sequence[Tool]) -> Tools:
    """The tools as maps. Raises BadRequest that names the place for what is no schema."""
    for at, tool in enumerate(tools):
        if not tool.function.name:
            raise BadRequest(f"tools[{at}].function.name is required")
        try:
            msgspec.convert(tool.function.parameters or {}, _Parameters)
        except msgspec.ValidationError as error:
            raise BadRequest(f"tools[{at}].function.parameters: {error}") from None
    offered: list[dict[str, Any]] = msgspec.to_builtins(list(tools))
    # The Struct leaves its own default out; templates show it.
    return [{"type": tool.type, **one} for tool, one in zip(tools, offered, strict=True)]


def chosen_tools(tools: Tools, choice: Any) -> tuple[Tools, bool]:
    """The tools that may be called, and whether one must be, as ``tool_choice`` says.

    Raises BadRequest for what is no choice.
    """
    if choice is None or choice == "auto":
        return tools, False
    if choice == "none":
        return (), False
    if not tools:
        raise BadRequest("tool_choice asks for a call, but no tools are offered")
    if choice == "required":
        return tools, True
    name = _chosen_name(choice)
    chosen = [one for one in tools if one["function"]["name"] == name]
    if not chosen:
        raise BadRequest(f'tool_choice names "{name}", which is not among the tools')
    return chosen, True


def _chosen_name(choice: Any) -> str:
    """OpenAI writes a name as ``{"type": "function", "function": {"name": "..."}}``."""
    function = choice.get("function", choice) if isinstance(choice, Mapping) else None
    name = function.get("name") if isinstance(function, Mapping) else None
    if not isinstance(name, str):
        raise BadRequest(
            'invalid tool_choice: must be "auto", "none", "required" or an object that names a '
            "function"
        )
    return name


def call_schema(tools: Tools, key: str) -> dict[str, Any]:
    """The schema of one call of any of these, the arguments under ``key``."""
    if len(tools) == 1:
        return _call(tools[0]["function"], key, "#")
    calls = [_call(one["function"], key, f"#/anyOf/{at}") for at, one in enumerate(tools)]
    return {"anyOf": calls}


def _call(function: Mapping[str, Any], key: str, place: str) -> dict[str, Any]:
    arguments = {**(function.get("parameters") or {}), "type": "object"}
    return {
        "type": "object",
        "properties": {
            "name": {"const": function["name"]},
            key: _moved(arguments, f"{place}/properties/{key}"),
        },
        "required": ["name", key],
        "additionalProperties": False,
    }


def _moved(schema: Any, place: str, *, named: bool = False) -> Any:
    """A schema that has stood alone and now stands at ``place``, so that its references hold."""
    if isinstance(schema, list):
        return [_moved(one, place) for one in schema]
    if not isinstance(schema, Mapping):
        return schema
    moved = {
        key: item
        if key in _VALUES and not named
        else _moved(item, place, named=key in _NAMES and not named)
        for key, item in schema.items()
    }
    reference = moved.get("$ref")
    if isinstance(reference, str) and reference.startswith("#"):
        moved["$ref"] = place + reference[1:]
    return moved
