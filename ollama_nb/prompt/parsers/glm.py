"""Calls as GLM writes them: a name, then keys and values in tags (6.3)."""

import re

from .blocks import Blocks
from .ends import TagsEnd
from .json_calls import read_json_calls
from .offer import Offer
from .parser import Call
from .typed import typed

_ARGUMENT = re.compile(
    r"<arg_key>([^<]*)</arg_key>\s*<arg_value>(.*?)(?:</arg_value>|(?=<arg_key>)|\Z)", re.DOTALL
)


def _read(body: str, offer: Offer, complete: bool) -> list[Call | str]:
    name, key, rest = body.partition("<arg_key>")
    known = offer.resolve(name)
    if known is None:
        return read_json_calls(body, offer, complete)
    found = _ARGUMENT.findall(key + rest)
    if not complete or _ARGUMENT.sub("", key + rest).strip():
        return []
    arguments = {key.strip(): typed(value, offer.types(known, key.strip())) for key, value in found}
    return [Call(known, arguments)]


GLM = Blocks({"<tool_call>": "</tool_call>"}, _read, end_at=TagsEnd)
