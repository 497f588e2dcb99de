"""Which tools may be called and whether one must be, in OpenAI's words (Ollama API, 14.2, 14.6)."""

from collections.abc import Callable, Sequence
from typing import Any

from ollama_nb.wire import Tool

NameOf = Callable[[Any], str | None]
"""Reads which function an object names in its dialect; None if it names none."""


def chosen(tools: Sequence[Tool], choice: Any, name_of: NameOf) -> tuple[list[Tool], Any]:
    """Return the tools that may be called, and ``tool_choice`` as chat knows it.

    Ollama heeds no choice, so what names nothing here is no mistake and is passed over.
    """
    tools = list(tools)
    match choice:
        case {"type": "allowed_tools", "allowed_tools": {"tools": list(some)} as inner} | (
            {"type": "allowed_tools", "tools": list(some)} as inner
        ):
            names = set(map(name_of, some))
            tools = [one for one in tools if one.function.name in names]
            choice = inner.get("mode")
    if not tools:
        return [], None
    if choice in ("none", "auto", "required"):
        return tools, choice
    name = name_of(choice)
    return tools, None if name is None else {"type": "function", "function": {"name": name}}
