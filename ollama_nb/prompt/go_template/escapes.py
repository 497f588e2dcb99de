"""Texts made safe for other languages, as Go's html, js and urlquery make them."""

import re
from urllib.parse import quote_plus

from .literals import as_bytes

_HTML = str.maketrans(
    {"\0": "\ufffd", '"': "&#34;", "'": "&#39;", "&": "&amp;", "<": "&lt;", ">": "&gt;"}
)
_SCRIPT = {
    "\\": "\\\\", "'": "\\'", '"': '\\"', "<": "\\u003C", ">": "\\u003E", "&": "\\u0026",
    "=": "\\u003D",
}  # fmt: skip
_SPECIAL = re.compile("[\\\\'\"<>&=\0-\x1f]|[^\0-\x7f]")


def html(text: str) -> str:
    """Escape the five characters of HTML, and null."""
    return text.translate(_HTML)


def script(text: str) -> str:
    """Escape what ends a JavaScript string or the element around it, and what is not printed."""
    return _SPECIAL.sub(_script_character, text)


def _script_character(found: re.Match[str]) -> str:
    character = found[0]
    if character in _SCRIPT:
        return _SCRIPT[character]
    if character < " ":
        return f"\\u00{ord(character):02X}"
    if "\udc80" <= character <= "\udcff":
        return "\\uFFFD"
    return character if character.isprintable() else f"\\u{ord(character):04X}"


def query(text: str) -> str:
    """Escape for the query of an address."""
    return quote_plus(as_bytes(text), safe="")
