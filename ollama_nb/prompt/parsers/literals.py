"""A lenient reader of literals: JSON and Python's, also with bare keys and other quotes.

Own code, because Python's compiler is no place for what a model has written: deep nesting can end
the process.
"""

import re
import sys
from collections.abc import Callable, Sequence
from typing import Any

MAX_DEPTH = 64
"""How deep values may stand in one another."""
_SPACE = re.compile(r"\s*")
_NAME = re.compile(r"[^\W\d][\w.-]*")
_KEYWORD = re.compile(r"[^\W\d]\w*(?=\s*=)")
_NUMBER = re.compile(r"[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?(?![\w.])")
_CONSTANTS = {"true": True, "false": False, "null": None, "none": None}
_STRINGS = {
    '"""': re.compile(r'"""(.*?)"""', re.DOTALL),
    "'''": re.compile(r"'''(.*?)'''", re.DOTALL),
    '"': re.compile(r'"([^"\\]*(?:\\.[^"\\]*)*)"', re.DOTALL),
    "'": re.compile(r"'([^'\\]*(?:\\.[^'\\]*)*)'", re.DOTALL),
}
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|U00[01][0-9a-fA-F]{5}|x[0-9a-fA-F]{2}|.)", re.DOTALL)
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "\n": ""}


class Malformed(ValueError):
    """A text that is no value."""


class Literals:
    """Reads along a text. What is no literal raises Malformed."""

    def __init__(self, text: str, *, quotes: Sequence[str] = (), ends: bool = False) -> None:
        """``quotes`` stand around strings that know no escapes.

        ``ends``: closing brackets may be missing at the end of the text.
        """
        self._text = text
        self._quotes = quotes
        self._ends = ends
        self.position = 0

    def at_end(self) -> bool:
        """Whether nothing but white space follows."""
        self._skip_space()
        return self.position == len(self._text)

    def takes(self, mark: str) -> bool:
        """Read over the mark if it comes next."""
        self._skip_space()
        if not self._text.startswith(mark, self.position):
            return False
        self.position += len(mark)
        return True

    def name(self) -> str:
        """An identifier, perhaps with dots and dashes."""
        self._skip_space()
        return self._match(_NAME)

    def value(self, depth: int = 0) -> Any:
        """A string, number or constant, or a dictionary, list or tuple of such."""
        if depth > MAX_DEPTH:
            raise Malformed
        if self.takes("{"):
            return dict(self.members("}", self._key, depth))
        if self.takes("["):
            return self._elements("]", depth)
        if self.takes("("):
            return self._elements(")", depth)
        string = self._string()
        return string if string is not None else self._word()

    def members(
        self, closing: str, key: Callable[[], str | None], depth: int = 0
    ) -> list[tuple[Any, Any]]:
        """Keys and values with ":" or "=" in between, up to the bracket; keys that are None."""
        found = []
        while not self._closes(closing):
            name = key()
            if name is not None and not (self.takes(":") or self.takes("=")):
                raise Malformed
            found.append((name, self.value(depth + 1)))
            self._separate(closing)
        return found

    def keyword(self) -> str | None:
        """The name of an argument; None if there is none, and a value comes next."""
        self._skip_space()
        found = _KEYWORD.match(self._text, self.position)
        if found:
            self.position = found.end()
        return found[0] if found else None

    def _elements(self, closing: str, depth: int) -> list[Any]:
        found = []
        while not self._closes(closing):
            found.append(self.value(depth + 1))
            self._separate(closing)
        return found

    def _closes(self, closing: str) -> bool:
        return self.takes(closing) or (self._ends and self.at_end())

    def _separate(self, closing: str) -> None:
        """Read over a comma; there must be one, unless the bracket closes here."""
        at = self.position
        if not self.takes(","):
            if not self._closes(closing):
                raise Malformed
            self.position = at

    def _key(self) -> str:
        string = self._string()
        if string is not None:
            return string
        number = _NUMBER.match(self._text, self.position)
        return self._match(_NUMBER if number else _NAME)

    def _string(self) -> str | None:
        self._skip_space()
        for quote in self._quotes:
            if self.takes(quote):
                end = self._text.find(quote, self.position)
                if end < 0:
                    raise Malformed
                text, self.position = self._text[self.position : end], end + len(quote)
                return text
        for quote, pattern in _STRINGS.items():
            if self._text.startswith(quote, self.position):
                return _unescaped(self._match(pattern, group=1))
        return None

    def _word(self) -> Any:
        number = _NUMBER.match(self._text, self.position)
        if number:
            self.position = number.end()
            digits = number[0]
            try:
                return float(digits) if set(digits) & set(".eE") else int(digits)
            except ValueError as error:  # more digits than Python reads
                raise Malformed from error
        word = self._match(_NAME).lower()
        if word not in _CONSTANTS:
            raise Malformed
        return _CONSTANTS[word]

    def _match(self, pattern: re.Pattern[str], group: int = 0) -> str:
        found = pattern.match(self._text, self.position)
        if found is None:
            raise Malformed
        self.position = found.end()
        return found[group]

    def _skip_space(self) -> None:
        found = _SPACE.match(self._text, self.position)
        self.position = found.end() if found else self.position


def _unescaped(text: str) -> str:
    """Escapes of JSON and Python; what is none of them stays as it is."""
    if "\\" not in text:
        return text
    # Halves of a character that are written one after the other become one.
    halves = _ESCAPE.sub(_character, text).encode("utf-16", "surrogatepass")
    return halves.decode("utf-16", "replace")


def _character(escape: re.Match[str]) -> str:
    code = escape[1]
    if len(code) > 1:
        return chr(min(int(code[1:], 16), sys.maxunicode))
    return code if code in "\\/\"'" else _ESCAPED.get(code, escape[0])
