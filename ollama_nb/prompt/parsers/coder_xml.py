"""Calls as Qwen3-Coder and Nemotron write them: functions and parameters in tags (6.3)."""

import re

from .blocks import Blocks
from .ends import TagsEnd
from .json_calls import read_json_calls
from .offer import Offer
from .parser import Call
from .typed import typed

_FUNCTION = re.compile(r"<function=([^<>\n]+)>(.*?)(</function>|\Z)", re.DOTALL)
_PARAMETER = re.compile(
    r"<parameter=([^<>\n]+)>(.*?)(?:</parameter>|(?=<parameter=)|\Z)", re.DOTALL
)
_LINE_BREAKS = re.compile(r"\A\r?\n|\r?\n\Z")


def _read(body: str, offer: Offer, complete: bool) -> list[Call | str]:
    """Read the functions; one that the answer has broken off is none."""
    begun = body.lstrip()
    if begun.startswith("{"):
        return read_json_calls(body, offer, complete)
    if not begun.startswith("<function="):
        # The function may be the block itself, whose opening mark is gone.
        body = f"<function={body}"
    items: list[Call | str] = []
    for name, inner, end in _FUNCTION.findall(body):
        known = offer.resolve(name)
        if known is None or not (end or complete):
            items.append(f"<function={name}>{inner}{end}")
        else:
            items.append(Call(known, _arguments(inner, known, offer)))
    return items


def _arguments(inner: str, name: str, offer: Offer) -> dict[str, object]:
    return {
        key.strip(): typed(_LINE_BREAKS.sub("", value), offer.types(name, key.strip()))
        for key, value in _PARAMETER.findall(inner)
    }


CODER_XML = Blocks(
    {"<tool_call>": "</tool_call>", "<function=": "</function>"}, _read, end_at=TagsEnd
)
