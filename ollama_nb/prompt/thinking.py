"""Splits an answer into thinking and the rest, as it streams (reference: Ollama API, 8.1)."""

from typing import NamedTuple

OPEN, CLOSE = "<think>", "</think>"


class Split(NamedTuple):
    """What one piece of text contributed to each side."""

    thinking: str
    text: str


class ThinkingSplitter:
    """Feed it the pieces of one answer in order."""

    def __init__(self, *, inside: bool, tags: tuple[str, str] = (OPEN, CLOSE)) -> None:
        """``inside``: the prompt already ended with the opening tag."""
        self._open_tag, self._close_tag = tags
        self._held = ""
        self._blank: list[str] = []
        """White space at the start, which may be long."""
        self._state = "thinking" if inside else "before"
        self._trim = inside
        """Whether white space at the start of what comes next is dropped."""

    def feed(self, piece: str) -> Split:
        """Take a piece; return what of it is decided, holding back what could still be a tag."""
        if self._state == "before" and not self._held and piece.isspace():
            self._blank.append(piece)
            return Split("", "")
        return self._advance(self._held + piece, final=False)

    def flush(self) -> Split:
        """Return what was held back when the answer ends: a tag half seen is text."""
        return self._advance(self._held, final=True)

    def _advance(self, text: str, *, final: bool) -> Split:
        thinking, rest = "", ""
        self._held = ""
        if self._state == "before":
            text = "".join(self._blank) + text
            self._blank.clear()
            text = self._open(text, final=final)
        if self._state == "thinking":
            thinking, text = self._think(text, final=final)
        if self._state == "text":
            rest = self._trimmed(text)
        return Split(thinking, rest)

    def _open(self, text: str, *, final: bool) -> str:
        """Decide whether the answer begins with thinking; only white space may stand before."""
        start = text.lstrip()
        if start.startswith(self._open_tag):
            self._state, self._trim = "thinking", True
            return start[len(self._open_tag) :]
        if self._open_tag.startswith(start) and not final:
            self._held = text
            return ""
        self._state = "text"
        return text

    def _think(self, text: str, *, final: bool) -> tuple[str, str]:
        """Divide at the closing tag: (thinking, what follows it)."""
        before, tag, after = text.partition(self._close_tag)
        if tag:
            self._state = "text"
            thinking, self._trim = self._trimmed(before), True
            return thinking, after
        kept = len(text) if final else len(text) - _start_of_tag(text, self._close_tag)
        self._held = text[kept:]
        return self._trimmed(text[:kept]), ""

    def _trimmed(self, text: str) -> str:
        if self._trim:
            text = text.lstrip()
            self._trim = not text
        return text


def _start_of_tag(text: str, tag: str) -> int:
    """Length of the longest end of ``text`` that begins the tag."""
    for length in range(min(len(text), len(tag) - 1), 0, -1):
        if tag.startswith(text[-length:]):
            return length
    return 0
