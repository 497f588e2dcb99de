"""Calls after [TOOL_CALLS]: a JSON list of them, or a name and its arguments (6.3)."""

import re

from .blocks import Blocks
from .json_calls import read_json_calls
from .literals import Malformed
from .offer import Offer
from .parser import Call
from .values import read_value

_TAG = "[TOOL_CALLS]"
_NAMED = re.compile(r"\s*([^\s{\[]+)\s*(?:\[CALL_ID\][^\[{]*)?(?:\[ARGS\]\s*)?(?={)")


def _read(body: str, offer: Offer, complete: bool) -> list[Call | str]:
    named = _NAMED.match(body)
    if named is None:
        return read_json_calls(body, offer, complete)
    try:
        call = offer.call(named[1], read_value(body[named.end() :]))
    except Malformed:
        call = None
    return [call] if call else []


MISTRAL = Blocks({_TAG: ""}, _read, call_prefix=f"{_TAG}[")
MISTRAL_NAMED = Blocks({_TAG: ""}, _read)
"""The same for models that write the name before the JSON."""
THINKING_TAGS = ("[THINK]", "[/THINK]")
