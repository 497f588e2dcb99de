"""Calls as Olmo 3 and LFM2 write them: in Python, between marks (6.3)."""

from .blocks import Blocks
from .python_calls import outside_python_strings, python_or_json_calls

OLMO = Blocks(
    {"<function_calls>": "</function_calls>"}, python_or_json_calls, outside_python_strings
)
LFM = Blocks(
    {"<|tool_call_start|>": "<|tool_call_end|>"}, python_or_json_calls, outside_python_strings
)
