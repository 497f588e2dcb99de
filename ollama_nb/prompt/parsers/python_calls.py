"""Calls in the manner of Python: one, several in a list, or one after the other."""

from functools import partial

from .ends import MarkOutsideStrings
from .json_calls import read_json_calls
from .literals import Literals, Malformed
from .offer import Offer
from .parser import Call
from .values import tidy

_BETWEEN = ("[", "]", ",", ";")
_WRAPPERS = ("print",)
"""What some models put around a call to see its result."""
outside_python_strings = partial(MarkOutsideStrings, brackets="([{")
"""An EndAt for calls in either language."""


def python_calls(text: str, offer: Offer) -> list[Call | str]:
    """The calls, and those of unknown tools as text. A text that is more than calls has none."""
    reader = Literals(text)
    items: list[Call | str] = []
    try:
        while not reader.at_end():
            if any(map(reader.takes, _BETWEEN)):
                continue
            items.append(_call(text, reader, offer))
    except Malformed:
        return []
    return items


def python_or_json_calls(body: str, offer: Offer, complete: bool) -> list[Call | str]:
    """Read calls in either language, as Blocks and Bare ask for them."""
    if body.lstrip("[ \t\r\n").startswith("{"):
        return read_json_calls(body, offer, complete)
    return python_calls(body, offer)


def _call(text: str, reader: Literals, offer: Offer, *, wrapped: bool = False) -> Call | str:
    begin = reader.position
    name = reader.name()
    if not reader.takes("("):
        raise Malformed
    if name in _WRAPPERS and name not in offer and not wrapped:
        call = _call(text, reader, offer, wrapped=True)
        if not reader.takes(")"):
            raise Malformed
        return call
    members = reader.members(")", reader.keyword)
    known = _known(name, offer)
    if known is None:
        return text[begin : reader.position]
    arguments = {}
    unnamed = iter(offer.parameters(known))
    for key, value in members:
        key = next(unnamed, None) if key is None else key
        if key is None or key in arguments:
            raise Malformed
        arguments[key] = tidy(value)
    return Call(known, arguments)


def _known(name: str, offer: Offer) -> str | None:
    """The tool, also as a method ``call`` of it, or as a function of some module."""
    return (
        offer.resolve(name)
        or offer.resolve(name.removesuffix(".call"))
        or offer.resolve(name.rpartition(".")[2])
    )
