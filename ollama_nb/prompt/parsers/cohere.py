"""Calls as Cohere's models write them: a JSON list between marks, or fenced (6.3)."""

from .blocks import Blocks
from .json_calls import read_json_calls

COHERE = Blocks(
    {"<|START_ACTION|>": "<|END_ACTION|>"},
    read_json_calls,
    wrappers=(
        "<|START_RESPONSE|>", "<|END_RESPONSE|>", "<|START_TEXT|>", "<|END_TEXT|>",
    ),
    arguments_key="parameters",
)  # fmt: skip
THINKING_TAGS = ("<|START_THINKING|>", "<|END_THINKING|>")
COMMAND_R = Blocks({"Action: ```json": "```"}, read_json_calls, arguments_key="parameters")
