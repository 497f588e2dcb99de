"""Calls as the Gemma family writes them (6.3).

FunctionGemma and Gemma 4 have a name and an object with bare keys, whose strings stand in marks;
Gemma 3 answers in a fenced block, in Python or JSON.
"""

import re
from functools import partial

from .blocks import Blocks
from .ends import MarkEnd
from .literals import Malformed
from .offer import Offer
from .parser import Call
from .python_calls import outside_python_strings, python_or_json_calls
from .values import read_value

_CALL = re.compile(r"\s*call:\s*([^\s{]+)\s*(?={)")
THINKING_TAGS = ("<|channel>thought", "<channel|>")


def _blocks(opening: str, closing: str, quote: str) -> Blocks:
    """Blocks of one call, whose strings stand between two marks ``quote``."""

    def read(body: str, offer: Offer, complete: bool) -> list[Call | str]:
        named = _CALL.match(body)
        if named is None:
            return []
        try:
            value = read_value(body[named.end() :], quotes=(quote,), ends=complete)
        except Malformed:
            return []
        call = offer.call(named[1], value)
        return [call] if call else []

    return Blocks({opening: closing}, read, end_at=partial(MarkEnd, quote=quote))


FUNCTION_GEMMA = _blocks("<start_function_call>", "<end_function_call>", "<escape>")
GEMMA_4 = _blocks("<|tool_call>", "<tool_call|>", '<|"|>')
GEMMA_FENCED = Blocks(
    {"```tool_code": "```", "```tool_call": "```", "```json": "```"},
    python_or_json_calls,
    end_at=outside_python_strings,
)
