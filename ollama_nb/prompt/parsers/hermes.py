"""Calls as Hermes and Qwen write them: JSON between two marks (6.3)."""

from .blocks import Blocks
from .json_calls import read_json_calls

HERMES = Blocks({"<tool_call>": "</tool_call>"}, read_json_calls, call_prefix="<tool_call>\n")
