"""Examples as the model reads them: ChatML text in pieces, each marked as given or to be learned.

The pieces joined together are what `templates/chat.jinja` renders for the same messages (a test
compares the two). Knows nothing of facts or tokens.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

THINK = "<think>\n"
END_THINK = "\n</think>\n\n"
TOOLS_INTRO = "You can call these tools. Answer with <tool_call> when one fits.\n<tools>\n"

Tool = dict[str, Any]


@dataclass(frozen=True)
class Piece:
    """Some text; `learned` pieces are the model's own words, which the loss counts.

    `about` is the id of the fact that such a piece tells, if it tells one.
    """

    text: str
    learned: bool
    about: str = ""


@dataclass(frozen=True)
class Call:
    """A tool call: the tool's name and its arguments."""

    name: str
    arguments: Mapping[str, Any]

    def text(self) -> str:
        """Return the call as the model writes it."""
        arguments = json.dumps(self.arguments, ensure_ascii=False)
        return f'<tool_call>\n{{"name": "{self.name}", "arguments": {arguments}}}\n</tool_call>'


@dataclass
class Conversation:
    """A growing example. Turns are added in order; `assistant` turns are learned."""

    pieces: list[Piece] = field(default_factory=list)

    def system(self, text: str, tools: Sequence[Tool] = (), *, compact: bool = False) -> None:
        """Add the system turn, with the tools on offer; nothing if there is neither."""
        if not text and not tools:
            return
        offered = ""
        if tools:
            separators = (",", ":") if compact else (", ", ": ")
            lines = [json.dumps(t, ensure_ascii=False, separators=separators) for t in tools]
            blank = "\n\n" if text else ""
            offered = blank + TOOLS_INTRO + "".join(f"{line}\n" for line in lines) + "</tools>"
        self._given(f"<|im_start|>system\n{text}{offered}<|im_end|>\n")

    def user(self, text: str) -> None:
        """Add what the user says."""
        self._given(f"<|im_start|>user\n{text}<|im_end|>\n")

    def tool_response(self, text: str) -> None:
        """Add the result of a tool, which arrives as a user turn."""
        self.user(f"<tool_response>\n{text}\n</tool_response>")

    def assistant(
        self, text: str, *, about: str = "", thinking: str = "", whole: bool = True
    ) -> None:
        """Add the model's turn; with `thinking` the prompt has opened the tag already.

        A turn that is not `whole` is the beginning of one, and nothing can follow it.
        """
        self._given("<|im_start|>assistant\n" + (THINK if thinking else ""))
        words = f"{thinking}{END_THINK}{text}" if thinking else text
        words += "<|im_end|>" if whole else ""
        self.pieces.append(Piece(words, learned=True, about=about))
        if whole:
            self._given("\n")

    def text(self) -> str:
        """Return the whole example as one text."""
        return "".join(piece.text for piece in self.pieces)

    def _given(self, text: str) -> None:
        if self.pieces and not self.pieces[-1].learned:
            text = self.pieces.pop().text + text
        self.pieces.append(Piece(text, learned=False))


def infill_prompt(prefix: str, suffix: str) -> str:
    """Return the prompt that asks for what stands between prefix and suffix."""
    return f"<|fim_prefix|>{prefix}<|fim_suffix|>{suffix}<|fim_middle|>"


def infill(prefix: str, suffix: str, middle: str) -> Conversation:
    """Return a fill-in-the-middle example."""
    prompt = Piece(infill_prompt(prefix, suffix), learned=False)
    return Conversation([prompt, Piece(f"{middle}<|im_end|>", learned=True)])
