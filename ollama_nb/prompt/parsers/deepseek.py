"""Calls as DeepSeek writes them: a kind and a name, then JSON, perhaps fenced (6.3)."""

import re

from .blocks import Blocks
from .ends import MarkOutsideStrings, split_at
from .json_calls import object_of
from .offer import Offer
from .parser import Call


def _mark(words: str) -> str:
    """A control token, which has a wide bar and low blocks for blanks."""
    return f"<\uff5c{words}\uff5c>".replace(" ", "\u2581")


MARK, _CLOSING = _mark("tool calls begin"), _mark("tool calls end")
_BEGIN, _END = _mark("tool call begin"), _mark("tool call end")
_SEPARATOR = _mark("tool sep")
_KIND = "function"
_FENCE, _FENCED = "```", re.compile(r"```\w*\s*")


def _read(body: str, offer: Offer, complete: bool) -> list[Call | str]:
    """Read the calls of a block, each whole or text."""
    parts = split_at(_BEGIN, body, MarkOutsideStrings)[1:]
    items: list[Call | str] = []
    for part in parts:
        text, *rest = split_at(_END, part, MarkOutsideStrings)
        items.append(_call(text, offer, is_closed=bool(rest) or complete) or _BEGIN + part)
    return items


def _call(text: str, offer: Offer, *, is_closed: bool) -> Call | None:
    """Read a name and JSON, or a kind, a name and the JSON on the next lines."""
    name, _, arguments = text.partition(_SEPARATOR)
    if name.strip() == _KIND and not arguments.lstrip().startswith("{"):
        name, _, arguments = arguments.partition("\n")
    arguments = arguments.strip()
    fence = _FENCED.match(arguments)
    arguments = arguments[fence.end() if fence else 0 :].removesuffix(_FENCE).rstrip()
    return offer.call(name, object_of(arguments)) if arguments or is_closed else None


DEEPSEEK = Blocks({MARK: _CLOSING}, _read)
