"""The format of gpt-oss: messages on channels, each with a header of marks and words (6.3).

Thinking is a channel of its own and cannot be switched off.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .json_calls import object_of
from .marks import Marks
from .offer import Offer
from .parser import Parsed, Parser

_START, _CHANNEL, _MESSAGE = "<|start|>", "<|channel|>", "<|message|>"
_END, _CALL, _RETURN, _CONSTRAIN = "<|end|>", "<|call|>", "<|return|>", "<|constrain|>"
_ENDS = (_END, _CALL, _RETURN)
_MARKS = (_START, _CHANNEL, _MESSAGE, _CONSTRAIN, *_ENDS)

_CHANNEL_NAME = re.compile(r"<\|channel\|>\s*(\w+)")
_RECIPIENT = re.compile(r"\bto=([^\s<]+)")
_HEADER = re.compile(
    r"\s*(<\|start\|>\s*\w*)?(\s*to=[^\s<]*)?(<\|channel\|>\s*\w*)?(\s*to=[^\s<]*)?"
    r"\s*(\w+|<\|constrain\|>\s*\w*)?\s*"
)
_MAX_HEADER = 256
_DASHES = str.maketrans(" -.", "___")


def identifiers(names: Iterable[str]) -> dict[str, str]:
    """What each tool is called in prompts, where names are identifiers; no two are alike.

    One whose name is an identifier keeps it.
    """
    found = dict.fromkeys(names, "")
    found |= {name: name for name in found if _identifier(name) == name}
    for name, called in found.items():
        if not called:
            found[name] = _unused(_identifier(name), set(found.values()))
    return found


def _identifier(name: str) -> str:
    letters = re.sub(r"[^\w$]", "", name.translate(_DASHES)) or "unnamed"
    return f"_{letters}" if letters[0].isdigit() else letters


def _unused(name: str, used: set[str]) -> str:
    candidate, number = name, 2
    while candidate in used:
        candidate, number = f"{name}_{number}", number + 1
    return candidate


@dataclass(frozen=True)
class HarmonyFormat:
    """An AnswerFormat of channels."""

    thinking_tags: tuple[str, str] | None = (f"{_CHANNEL}analysis{_MESSAGE}", _END)
    marks: tuple[str, ...] = _MARKS
    call_prefix: str = ""
    arguments_key: str = "arguments"

    def names(self, tools: Sequence[Mapping[str, Any]]) -> Mapping[str, str]:
        """See AnswerFormat: its prompts show tools as types of TypeScript."""
        given = identifiers(Offer(tools).names)
        return {name: called for name, called in given.items() if name != called}

    def free_part(self, *, thinks: bool, inside: bool) -> tuple[str, str]:
        """A message on the analysis channel, and the header of the next one, on the final one."""
        begin = f"{_CHANNEL}analysis{_MESSAGE}"
        return "" if inside else begin, f"{_END}{_START}assistant{_CHANNEL}final{_MESSAGE}"

    def parser(self, tools: Sequence[Mapping[str, Any]], *, thinks: bool, inside: bool) -> Parser:
        """See AnswerFormat."""
        return HarmonyParser(tools, inside=inside)


class HarmonyParser:
    """Reads one answer, whose first header the prompt may have begun."""

    def __init__(self, tools: Sequence[Mapping[str, Any]], *, inside: bool) -> None:
        """``inside``: the prompt has begun a message on the analysis channel."""
        self._offer = Offer(tools)
        self._originals = {given: name for name, given in identifiers(self._offer.names).items()}
        self._marks = Marks(_MARKS)
        self._held = ""
        self._header: list[str] | None = None if inside else []
        """Pieces of a header; None within a message."""
        self._is_header = False
        """Whether those pieces are surely no plain text."""
        self._channel = "analysis" if inside else "final"
        self._recipient = ""
        self._message: list[str] = []
        """Pieces of a message to a tool."""
        self._raw_header = ""

    def feed(self, piece: str) -> Parsed:
        """Take a piece; return what it decides."""
        text, self._held = self._held + piece, ""
        start = 0
        found = Parsed()
        while start < len(text):
            at, mark = self._marks.next(text, start)
            found = found.joined(self._read(text[start:at]))
            if not mark:
                self._held = text[at:]
                break
            found = found.joined(self._read_mark(mark))
            start = at + len(mark)
        return found

    def flush(self) -> Parsed:
        """Return what was held back; a call needs no closing mark."""
        last = self._read(self._held)
        self._held = ""
        return last.joined(self._end_header() if self._header is not None else self._end())

    def _read(self, text: str) -> Parsed:
        """Read what is no mark."""
        if self._header is None:
            return self._read_message(text)
        self._header.append(text)
        if self._is_header or not text.strip():
            return Parsed()
        plain = "".join(self._header)
        begun = plain.lstrip()[:3]
        self._is_header = begun == "to="
        if "to=".startswith(begun):
            return Parsed()
        self._header = None
        self._channel, self._recipient = "final", ""
        return Parsed(text=plain)

    def _read_message(self, text: str) -> Parsed:
        if self._recipient:
            self._message.append(text)
            return Parsed()
        return Parsed(thinking=text) if self._channel == "analysis" else Parsed(text=text)

    def _read_mark(self, mark: str) -> Parsed:
        if self._header is None:
            if mark in (_MESSAGE, _CONSTRAIN):
                return self._read_message(mark)
            ended = self._end()
        elif mark == _MESSAGE:
            self._begin("".join(self._header))
            return Parsed()
        elif mark in (_CHANNEL, _CONSTRAIN):
            self._header.append(mark)
            self._is_header = True
            return Parsed()
        else:
            ended = self._end_header()
        self._is_header = mark in (_START, _CHANNEL)
        self._header = [mark] if self._is_header else []
        return ended

    def _begin(self, header: str) -> None:
        """Begin the message that a header announces."""
        channel, recipient = _CHANNEL_NAME.search(header), _RECIPIENT.search(header)
        self._channel = channel[1] if channel else "final"
        self._recipient = recipient[1] if recipient else ""
        self._raw_header = header + _MESSAGE
        self._header = None

    def _end(self) -> Parsed:
        """End a message: one to a tool is a call, or else text as it was written."""
        if not self._recipient:
            return Parsed()
        name = self._recipient.removeprefix("functions.")
        body = "".join(self._message)
        call = self._offer.call(self._originals.get(name, name), object_of(body)) if body else None
        self._message.clear()
        self._recipient = ""
        return Parsed(calls=(call,)) if call else Parsed(text=self._raw_header + body)

    def _end_header(self) -> Parsed:
        """End a header without a message: nothing if it is one, or else text."""
        header = "".join(self._header or ())
        self._header = []
        # Long runs of white space would be matched in very many ways.
        words = " ".join(header.split())
        is_header = len(header) <= _MAX_HEADER and _HEADER.fullmatch(words)
        return Parsed() if is_header and self._is_header else Parsed(text=header)
