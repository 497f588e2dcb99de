"""Calls in JSON, in the shapes that models are taught or fall into (6.1)."""

from collections.abc import Mapping
from typing import Any

from .brackets import Brackets
from .literals import Malformed
from .offer import Offer
from .parser import Call
from .values import read_value

NAME_KEYS = ("name", "tool_name", "function")
ARGUMENT_KEYS = ("arguments", "parameters")
_OTHER_KEYS = frozenset(("type", "id", "tool_call_id", "index", *NAME_KEYS))


def read_json_calls(text: str, offer: Offer, complete: bool) -> list[Call | str]:
    """Read the calls in the text's objects, and the objects that are none as text.

    ``complete``: the model has ended the text, so that only brackets can be missing. In the form
    in which Blocks and Bare ask for calls.
    """
    items: list[Call | str] = []
    brackets = Brackets()
    start = 0
    while (end := brackets.advance(text, start)) is not None:
        items += _items(text[start:end], offer)
        start = end
    if brackets.depth:
        items += _items(text[start:], offer, ends=complete)
    return items


def calls_at(segment: str, offer: Offer, *, ends: bool = False) -> list[Call]:
    """The calls of one object, before which the name of its tool may stand."""
    outside, _, inside = segment.partition("{")
    try:
        value = read_value("{" + inside, ends=ends)
    except Malformed:
        return []
    name = offer.first_in(outside)
    if name and "=" in outside.partition(name)[2]:
        name = None  # the object is one argument of several
    return _calls_of(value, offer, name)


def _items(segment: str, offer: Offer, *, ends: bool = False) -> list[Call | str]:
    calls = calls_at(segment, offer, ends=ends)
    return [*calls] or [segment[segment.index("{") :]]


def _calls_of(value: Any, offer: Offer, name: str | None = None) -> list[Call]:
    """Calls in a value; ``name`` is that of a tool if the value may be its arguments."""
    if isinstance(value, list):
        return [call for one in value for call in _calls_of(one, offer)]
    if not isinstance(value, dict):
        return []
    named = next((value[key] for key in NAME_KEYS if isinstance(value.get(key), str)), None)
    key = next((key for key in ARGUMENT_KEYS if key in value), None)
    if named is not None and key is not None:
        return _maybe(offer.call(named, object_of(value[key])))
    if name is not None:
        return _maybe(offer.call(name, _arguments(value, name)))
    if named is not None and value.keys() <= _OTHER_KEYS and offer.resolve(named):
        return _maybe(offer.call(named, {}))
    keyed = [offer.call(key, object_of(one)) for key, one in value.items() if key in offer]
    if any(keyed):
        return [call for call in keyed if call]
    return [call for one in value.values() for call in _calls_of(one, offer)]


def _arguments(value: Mapping[str, Any], name: str) -> Any:
    """The arguments of a tool that is named outside: in a member, or the object itself."""
    for key in (name, *ARGUMENT_KEYS):
        inner = object_of(value.get(key))
        if len(value) == 1 and isinstance(inner, dict) and inner:
            return inner
    return value


def object_of(value: Any) -> Any:
    """An object, or what a string holds; nothing is an object without members."""
    if isinstance(value, str):
        try:
            value = read_value(value) if value.strip() else {}
        except Malformed:
            return None
    return {} if value is None else value


def _maybe(call: Call | None) -> list[Call]:
    return [call] if call else []
