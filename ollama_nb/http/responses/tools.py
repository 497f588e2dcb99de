"""Tools: flat functions, and functions in namespaces, which chat calls by both names."""

from collections.abc import Iterable, Iterator
from typing import Any

from ollama_nb.errors import BadRequest
from ollama_nb.wire import Tool, ToolFunction
from ollama_nb.wire.codec import read_object
from ollama_nb.wire.responses_types import FunctionToolParam

_SEPARATOR = "."


def called_name(namespace: str, name: str) -> str:
    """What chat calls a function."""
    return f"{namespace}{_SEPARATOR}{name}" if namespace else name


def chat_tools(tools: Iterable[dict[str, Any]]) -> list[Tool]:
    """Translate the functions; what OpenAI would run on its side is not on offer here."""
    return [
        Tool(
            function=ToolFunction(
                name=called_name(namespace, tool.name),
                description=tool.description,
                parameters=tool.parameters,
            )
        )
        for namespace, tool in _functions(tools)
    ]


def namespaces(tools: Iterable[dict[str, Any]]) -> dict[str, str]:
    """The namespaces of the functions that have one, by what chat calls them."""
    return {
        called_name(namespace, tool.name): namespace
        for namespace, tool in _functions(tools)
        if namespace
    }


def _functions(tools: Iterable[dict[str, Any]]) -> Iterator[tuple[str, FunctionToolParam]]:
    """Each function after its namespace, which may be empty."""
    for tool in (read_object(one, FunctionToolParam) for one in tools):
        members = [("", tool)]
        if tool.type == "namespace":
            members = [(tool.name, member) for member in tool.tools or ()]
        for namespace, member in members:
            if member.type == "function":
                if not member.name:
                    raise BadRequest("function tool missing required 'name' field")
                yield namespace, member
