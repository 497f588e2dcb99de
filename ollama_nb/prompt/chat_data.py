"""Messages and tools as Go templates see them (reference: models, 5.3).

Their fields are Go's, a tool and a call's arguments print as JSON, JSON's numbers are floats.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from .go_template.values import JsonList, JsonMap, NamesList, Struct


@dataclass(frozen=True)
class Message:
    """One turn of a chat; tool calls as on the wire."""

    role: str
    content: str = ""
    thinking: str = ""
    num_images: int = 0
    tool_calls: Sequence[Mapping[str, Any]] = field(default=())
    tool_name: str = ""
    tool_call_id: str = ""


Join = Callable[[Message, Message], Message]
"""Makes one message of two neighbours."""


def in_turns(messages: Iterable[Message], join: Join) -> list[Message]:
    """Neighbours of equal role as one message, except tools' answers."""
    found: list[Message] = []
    for message in messages:
        if found and found[-1].role == message.role != "tool":
            found[-1] = join(found[-1], message)
        else:
            found.append(message)
    return found


def joined(one: Message, other: Message) -> Message:
    """Both in one, of which nothing is lost."""
    return Message(
        role=one.role,
        content="\n\n".join(filter(None, (one.content, other.content))),
        thinking="\n\n".join(filter(None, (one.thinking, other.thinking))),
        num_images=one.num_images + other.num_images,
        tool_calls=[*one.tool_calls, *other.tool_calls],
    )


def renamed(message: Message, names: Mapping[str, str]) -> Message:
    """The message with other names for the tools that it has called or brings a result of."""
    return replace(
        message,
        tool_calls=[with_name(call, names) for call in message.tool_calls],
        tool_name=names.get(message.tool_name, message.tool_name),
    )


def with_name(holder: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """A tool, or a call of one, with another name for it."""
    function = holder["function"]
    name = function["name"]
    return {**holder, "function": {**function, "name": names.get(name, name)}}


def message_value(message: Message) -> Struct:
    """A message for ``.Messages``."""
    fields = {
        "Role": clean(message.role),
        "Content": clean(message.content),
        "Thinking": clean(message.thinking),
        "Images": list(range(message.num_images)),
        "ToolCalls": [_tool_call(call) for call in message.tool_calls],
        "ToolName": clean(message.tool_name),
        "ToolCallID": clean(message.tool_call_id),
    }
    return Struct("api.Message", fields, lambda: _message_members(fields))


def tools_value(tools: Sequence[Mapping[str, Any]]) -> JsonList:
    """The tools on offer for ``.Tools``."""
    return JsonList(map(_tool, tools))


def clean(text: str) -> str:
    """Take away lone surrogates, which could become parts of characters in a Go string."""
    if text.isascii():
        return text
    return text.encode("utf-8", "replace").decode("utf-8")


def _message_members(fields: dict[str, Any]) -> dict[str, Any]:
    names = {
        "thinking": "Thinking", "images": "Images", "tool_calls": "ToolCalls",
        "tool_name": "ToolName", "tool_call_id": "ToolCallID",
    }  # fmt: skip
    members = {"role": fields["Role"], "content": fields["Content"]}
    return members | _filled({key: fields[name] for key, name in names.items()})


def _filled(members: dict[str, Any]) -> dict[str, Any]:
    """Without what is empty."""
    return {key: value for key, value in members.items() if value not in (None, "", [], {})}


def _tool_call(call: Mapping[str, Any]) -> Struct:
    function = call.get("function") or {}
    fields = {
        "Index": int(function.get("index") or 0),
        "Name": clean(str(function.get("name") or "")),
        "Arguments": JsonMap(_value(function.get("arguments") or {})),
    }
    called = Struct(
        "api.ToolCallFunction", fields,
        lambda: {"index": fields["Index"], "name": fields["Name"],
                 "arguments": fields["Arguments"]},
    )  # fmt: skip
    number = clean(str(call.get("id") or ""))
    return Struct(
        "api.ToolCall",
        {"ID": number, "Function": called},
        lambda: _filled({"id": number}) | {"function": called},
    )


def _tool(tool: Mapping[str, Any]) -> Struct:
    function = tool.get("function") or {}
    kind, items = clean(str(tool.get("type") or "")), _value(tool.get("items"))
    described = {
        "Name": clean(str(function.get("name") or "")),
        "Description": clean(str(function.get("description") or "")),
        "Parameters": _parameters(function.get("parameters") or {}),
    }
    called = Struct(
        "api.ToolFunction", described,
        lambda: {"name": described["Name"], "description": described["Description"],
                 "parameters": described["Parameters"]},
        prints_json=True,
    )  # fmt: skip
    return Struct(
        "api.Tool",
        {"Type": kind, "Items": items, "Function": called},
        lambda: {"type": kind, **_filled({"items": items}), "function": called},
        prints_json=True,
    )


def _parameters(parameters: Mapping[str, Any]) -> Struct:
    fields = {
        "Type": clean(str(parameters.get("type") or "object")),
        "Defs": _value(parameters.get("$defs")),
        "Items": _value(parameters.get("items")),
        "Required": _value(parameters.get("required") or []),
        "Properties": _properties(parameters.get("properties")),
    }
    optional = {"$defs": fields["Defs"], "items": fields["Items"], "required": fields["Required"]}
    return Struct(
        "api.ToolFunctionParameters",
        fields,
        lambda: {"type": fields["Type"], **_filled(optional), "properties": fields["Properties"]},
        prints_json=True,
    )


def _properties(properties: Any) -> JsonMap:
    named = properties if isinstance(properties, Mapping) else {}
    return JsonMap((clean(key), _property(value)) for key, value in named.items())


def _property(schema: Any) -> Struct:
    schema = schema if isinstance(schema, Mapping) else {}
    kind = schema.get("type") or []
    fields = {
        "AnyOf": [_property(one) for one in schema.get("anyOf") or ()],
        "Type": NamesList(map(clean, map(str, [kind] if isinstance(kind, str) else kind))),
        "Items": _value(schema.get("items")),
        "Description": clean(str(schema.get("description") or "")),
        "Enum": _value(schema.get("enum") or []),
        "Properties": _properties(schema.get("properties")),
        "Required": _value(schema.get("required") or []),
    }
    return Struct(
        "api.ToolProperty",
        fields,
        lambda: _filled({_wire_name(name): value for name, value in fields.items()}),
    )


def _wire_name(name: str) -> str:
    return name[0].lower() + name[1:]


def _value(value: Any) -> Any:
    """JSON as Go reads it where it expects nothing certain."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, int) and not isinstance(value, bool):
        try:
            return float(value)
        except OverflowError:
            return float("inf") if value > 0 else float("-inf")
    if isinstance(value, Mapping):
        return {clean(str(key)): _value(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_value(item) for item in value]
    return value
