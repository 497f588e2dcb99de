"""Cuts a template into tokens: text, and what stands between the braces.

White space inside of an action is a token, since ``.A .B`` and ``.A.B`` differ.
"""

import re
from typing import NamedTuple

from .literals import quoted

TEXT, LEFT, RIGHT, SPACE, ERROR, EOF = "text", "left", "right", "space", "error", "eof"
IDENTIFIER, KEYWORD, FIELD, VARIABLE, DOT = "identifier", "keyword", "field", "variable", "dot"
BOOL, CHARACTER, NUMBER, STRING, RAW_STRING = "bool", "character", "number", "string", "raw string"
ASSIGN, DECLARE, PIPE, OPEN, CLOSE, OTHER = "=", ":=", "|", "(", ")", "other"

KEYWORDS = frozenset(
    ["block", "break", "continue", "define", "else", "end", "if", "nil", "range", "template",
     "with"]
)  # fmt: skip
_MAX_TOKENS = 50_000
"""Ten times what the longest templates of real models have; they are read in half a second."""
_BLANKS = " \t\r\n"
_TRIMS = re.compile(r"-[ \t\r\n]")
_INSIDE = re.compile(
    r"""(?P<right>(?P<trim>[ \t\r\n]-)?\}\})
    |(?P<space>[ \t\r\n]+?(?=[ \t\r\n]-\}\})|[ \t\r\n]+)
    |(?P<declare>:=)|(?P<assign>=)|(?P<pipe>\|)|(?P<open>\()|(?P<close>\))
    |(?P<string>"(?:\\[^\n]|[^"\\\n])*")
    |(?P<raw>`[^`]*`)
    |(?P<character>'(?:\\[^\n]|[^'\\\n])*')
    |(?P<variable>\$\w*)
    |(?P<field>\.(?![0-9]|\Z)\w*)
    |(?P<number>[.+\-0-9])
    |(?P<word>\w+)
    |(?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)
_ENDS_WORD = re.compile(r"[ \t\r\n.,|:()]|\}\}|\Z")
_NUMBER = re.compile(
    r"""[+-]?(?:0[xX][0-9a-fA-F_]*(?:\.[0-9a-fA-F_]*)?(?:[pP][+-]?[0-9_]*)?
    |0[oO][0-7_]*(?:\.[0-7_]*)?|0[bB][01_]*(?:\.[01_]*)?
    |[0-9_]*(?:\.[0-9_]*)?(?:[eE][+-]?[0-9_]*)?)i?""",
    re.VERBOSE,
)
_SIMPLE = {
    "space": SPACE, "declare": DECLARE, "assign": ASSIGN, "pipe": PIPE, "open": OPEN,
    "close": CLOSE, "string": STRING, "raw": RAW_STRING, "character": CHARACTER,
}  # fmt: skip
_UNENDED = {
    '"': "unterminated quoted string",
    "`": "unterminated raw quoted string",
    "'": "unterminated character constant",
    ":": "expected :=",
}


class Token(NamedTuple):
    """A piece of the template; an error's text is its message."""

    kind: str
    position: int
    text: str

    def __str__(self) -> str:
        if self.kind == EOF:
            return "EOF"
        if self.kind == ERROR:
            return self.text
        if self.kind in (KEYWORD, DOT):
            return f"<{self.text}>"
        return quoted(self.text[:10]) + "..." if len(self.text) > 10 else quoted(self.text)


class _BadToken(Exception):
    def __init__(self, position: int, message: str) -> None:
        self.token = Token(ERROR, position, message)


def tokens(source: str) -> list[Token]:
    """All tokens; the last is the end or the first error."""
    found: list[Token] = []
    try:
        _read(source, found)
    except _BadToken as error:
        found.append(error.token)
    return found


def _read(source: str, found: list[Token]) -> None:
    at = 0
    while True:
        if len(found) > _MAX_TOKENS:
            raise _BadToken(at, f"more than {_MAX_TOKENS} tokens")
        left = source.find("{{", at)
        text = source[at:] if left < 0 else source[at:left]
        trims = left >= 0 and _TRIMS.match(source, left + 2) is not None
        if trims:
            text = text.rstrip(_BLANKS)
        if text:
            found.append(Token(TEXT, at, text))
        if left < 0:
            found.append(Token(EOF, len(source), ""))
            return
        inside = left + (4 if trims else 2)
        if source.startswith("/*", inside):
            at = _after_comment(source, inside)
        else:
            found.append(Token(LEFT, left, "{{"))
            at = _read_action(source, inside, found)


def _after_comment(source: str, at: int) -> int:
    end = source.find("*/", at + 2)
    if end < 0:
        raise _BadToken(at, "unclosed comment")
    right = _INSIDE.match(source, end + 2)
    if right is None or right.lastgroup != "right":
        raise _BadToken(at, "comment ends before closing delimiter")
    return _after_right(source, right)


def _after_right(source: str, right: re.Match[str]) -> int:
    at = right.end()
    if right["trim"]:
        while source[at : at + 1] and source[at] in _BLANKS:
            at += 1
    return at


def _read_action(source: str, at: int, found: list[Token]) -> int:
    """Read up to the closing braces; return where text begins again."""
    depth = 0
    while True:
        match = _INSIDE.match(source, at)
        if match is None:
            raise _BadToken(at, "unclosed action")
        if len(found) > _MAX_TOKENS:
            raise _BadToken(at, f"more than {_MAX_TOKENS} tokens")
        group = match.lastgroup
        if group == "right":
            if depth:
                raise _BadToken(at, "unclosed left paren")
            found.append(Token(RIGHT, at, "}}"))
            return _after_right(source, match)
        depth += {"open": 1, "close": -1}.get(group or "", 0)
        if depth < 0:
            raise _BadToken(at, "unexpected right paren")
        token = _token(source, match)
        found.append(token)
        at += len(token.text)


def _token(source: str, match: re.Match[str]) -> Token:
    group, at, text = match.lastgroup or "", match.start(), match[0]
    if group in _SIMPLE:
        return Token(_SIMPLE[group], at, text)
    if group == "number":
        return _number(source, at)
    if group == "other":
        return _other(at, text)
    if _ENDS_WORD.match(source, match.end()) is None:
        raise _BadToken(at, f"bad character {_named(source[match.end()])}")
    return Token(_kind(group, text), at, text)


def _kind(group: str, text: str) -> str:
    if group == "field":
        return FIELD if len(text) > 1 else DOT
    if group == "variable":
        return VARIABLE
    if text in KEYWORDS:
        return KEYWORD
    return BOOL if text in ("true", "false") else IDENTIFIER


def _number(source: str, at: int) -> Token:
    end = _scan_number(source, at, at)
    if source[end : end + 1] in ("+", "-"):
        end = _scan_number(source, at, end)
        if source[end - 1] != "i":
            raise _BadToken(at, f"bad number syntax: {quoted(source[at:end])}")
    return Token(NUMBER, at, source[at:end])


def _scan_number(source: str, start: int, at: int) -> int:
    match = _NUMBER.match(source, at)
    end = at if match is None else match.end()
    following = source[end : end + 1]
    if following == "_" or following.isalnum():
        raise _BadToken(start, f"bad number syntax: {quoted(source[start : end + 1])}")
    return end


def _other(at: int, text: str) -> Token:
    if text in _UNENDED:
        raise _BadToken(at, _UNENDED[text])
    if " " < text <= "~":
        return Token(OTHER, at, text)
    raise _BadToken(at, f"unrecognized character in action: {_named(text)}")


def _named(character: str) -> str:
    shown = f" '{character}'" if character.isprintable() else ""
    return f"U+{ord(character):04X}{shown}"
