"""Calls as Granite writes them: a JSON list after a mark (6.3).

Phi-4 mini does the same, with a mark at the end.
"""

from .blocks import Blocks
from .json_calls import read_json_calls

GRANITE = Blocks(
    {"<|tool_call|>": ""},
    read_json_calls,
    wrappers=("<|/tool_call|>",),
    call_prefix="<|tool_call|>[",
)
