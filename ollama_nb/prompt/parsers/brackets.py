"""Where a bracketed text ends that arrives in pieces. Looks at every character once."""

import re

_WITHIN = {opening: re.compile(f"[{re.escape(opening + closing)}\"']")
           for opening, closing in ("{}", "[]", "()")}  # fmt: skip
_IN_QUOTES = {'"': re.compile(r'["\\]'), "'": re.compile(r"['\\]")}
_WORDS = re.compile(r"\w")


class Brackets:
    """Follows a text into its first bracket and to where that closes.

    Brackets of other kinds do not count, nor those in strings. A string is in double or in single
    quotes, of which a backslash escapes one. It begins inside of the bracket only, and one in
    single quotes not within a word, where the quote is an apostrophe.
    """

    def __init__(self, openings: str = "{") -> None:
        """``openings``: what may open the bracket. The one that comes first counts."""
        self._outside = re.compile(f"[{re.escape(openings)}]")
        self._opening = ""
        self.depth = 0
        self.quote = ""
        """What ends the string that the text is in, if it is in one."""
        self._escapes = False
        self._after_word = False

    def advance(self, text: str, start: int = 0) -> int | None:
        """Read on from ``start``; where the text goes on after the bracket, None if within it."""
        while start < len(text):
            if self._escapes:
                self._escapes, start = False, start + 1
                continue
            found = self._pattern().search(text, start)
            if found is None:
                break
            self._take(found[0], self._follows_word(text, found.start(), start))
            start = found.end()
            self._after_word = False
            if self.depth == 0:
                return start
        if text:
            self._after_word = bool(_WORDS.match(text[-1]))
        return None

    def _pattern(self) -> re.Pattern[str]:
        if self.quote:
            return _IN_QUOTES[self.quote]
        return _WITHIN[self._opening] if self.depth else self._outside

    def _follows_word(self, text: str, at: int, start: int) -> bool:
        return bool(_WORDS.match(text[at - 1])) if at > start else self._after_word

    def _take(self, char: str, follows_word: bool) -> None:
        if char == "\\":
            self._escapes = True
        elif self.quote:
            self.quote = ""
        elif not self.depth or char == self._opening:
            self._opening = char
            self.depth += 1
        elif char == '"' or (char == "'" and not follows_word):
            self.quote = char
        elif char != "'":
            self.depth -= 1
