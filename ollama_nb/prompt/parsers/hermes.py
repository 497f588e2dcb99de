"""Calls as Hermes and Qwen write them: JSON between two marks (6.3)."""

from .blocks import Blocks
from .json_calls import calls_in
from .offer import Offer
from .parser import Call


def read_json_calls(body: str, offer: Offer, complete: bool) -> list[Call | str]:
    """Read calls in JSON, as Blocks and Bare ask for them."""
    return calls_in(body, offer, complete=complete)


HERMES = Blocks({"<tool_call>": "</tool_call>"}, read_json_calls, call_prefix="<tool_call>\n")
