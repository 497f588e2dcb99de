"""Go templates for chat templates that many models share (reference: models, 5.7).

A model's file carries its chat template in Jinja. Where that is one of the simple ones that are
known, create adds the same in Go's language, which every version of Ollama can use, and what the
answer must not write. Each template is a file of ours; its last newline is not part of it.
"""

import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Final

import msgspec

_FOLDER: Final = Path(__file__).with_name("templates")
_LONGEST: Final = 2000
"""Characters of Jinja: what is longer does more than these templates can."""
_ABLE: Final = ("tool", "think", "reasoning")
"""What a template writes that can do more."""
_CONTROL: Final = re.compile(r"<\|\w+\|>|\[/?[A-Z_]{2,}\]")
_ENDS: Final = frozenset(("<|begin_of_text|>", "<|endoftext|>", "<|EOT|>"))
"""Control tokens around a whole text: the vocabulary knows of them by itself."""

_STOPS: Final = {
    "alfred": ("<start_system>", "<end_message>", "<start_user>", "<start_assistant>"),
    "alpaca": ("### Instruction:", "### Response"),
    "chatml": ("<|im_start|>", "<|im_end|>"),
    "chatqa": ("System:", "User:", "Assistant:", "<|begin_of_text|>"),
    "codellama-70b-instruct": ("Source:", "Destination:", "<step>"),
    "command-r": ("<|START_OF_TURN_TOKEN|>", "<|END_OF_TURN_TOKEN|>"),
    "falcon-instruct": ("User:", "Assistant:"),
    "gemma-instruct": ("<start_of_turn>", "<end_of_turn>"),
    "gemma3-instruct": ("<end_of_turn>",),
    "granite-instruct": ("System:", "Question:", "Answer:"),
    "llama2-chat": ("[INST]", "[/INST]", "<<SYS>>", "<</SYS>>"),
    "llama3-instruct": ("<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"),
    "magicoder": ("@@ Instruction", "@@ Response"),
    "mistral-instruct": ("<|im_start|>", "<|im_end|>"),
    "openchat": ("<|end_of_turn|>",),
    "phi-3": ("<|end|>", "<|system|>", "<|user|>", "<|assistant|>"),
    "solar-instruct": ("### System:", "### User:", "### Assistant"),
    "starcoder2-instruct": ("### Instruction", "### Response", "<|endoftext|>"),
    "vicuna": ("USER:", "ASSISTANT:"),
    "zephyr": ("<|system|>", "</s>", "<|user|>", "<|assistant|>"),
}
"""Where an answer ends that is written in each; as Ollama has them, odd ones included."""

_MARKS: Final = (
    ("chatml", ("<|im_start|>",)),
    ("llama3-instruct", ("<|start_header_id|>",)),
    ("llama2-chat", ("<<SYS>>",)),
    ("mistral-instruct", ("[INST]",)),
    ("gemma3-instruct", ("<start_of_turn>", "first_user_prefix")),
    ("gemma3-instruct", ("<start_of_turn>", "image")),
    ("gemma-instruct", ("<start_of_turn>",)),
    ("openchat", ("GPT4 Correct",)),
    ("phi-3", ("<|end|>",)),
    ("command-r", ("<|START_OF_TURN_TOKEN|>",)),
    ("alfred", ("<start_", "<end_message>")),
    ("magicoder", ("@@ Instruction",)),
    ("codellama-70b-instruct", ("Source: ", "<step>")),
    ("solar-instruct", ("### System",)),
    ("alpaca", ("### Instruction:",)),
    ("starcoder2-instruct", ("### Instruction",)),
    ("granite-instruct", ("Question:",)),
    ("falcon-instruct", ("Falcon",)),
    ("zephyr", ("<|user|>",)),
    ("chatqa", ("User:",)),
    ("chatqa", ("System:",)),
)
"""What stands in the Jinja text of each, in the order in which they are looked for."""

NAMES: Final = tuple(_STOPS)


class KnownTemplate(msgspec.Struct, frozen=True):
    """A template in Go's language, and the texts that end an answer."""

    name: str
    text: str
    stop: tuple[str, ...]


@cache
def known_template(name: str) -> KnownTemplate:
    """The template of a name, one of NAMES. Raises KeyError for any other."""
    stop = _STOPS[name]
    text = (_FOLDER / f"{name}.gotmpl").read_text(encoding="utf-8").removesuffix("\n")
    return KnownTemplate(name, text, stop)


def recognise(jinja: str) -> KnownTemplate | None:
    """The template that says the same as a Jinja text; None if there is none.

    A text that can do more, or that writes control tokens which the template lacks, is another one.
    """
    if len(jinja) > _LONGEST or _has_any(jinja.lower(), _ABLE):
        return None
    name = next((name for name, marks in _MARKS if all(mark in jinja for mark in marks)), "")
    if not name:
        return None
    found = known_template(name)
    foreign = _controls(jinja) - _controls(found.text) - _ENDS - {*found.stop}
    return None if foreign else found


def _has_any(text: str, words: Iterable[str]) -> bool:
    return any(word in text for word in words)


def _controls(text: str) -> set[str]:
    return set(_CONTROL.findall(text))
