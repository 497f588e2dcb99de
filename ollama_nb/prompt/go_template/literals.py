r"""Go's literals: strings and characters in quotes, numbers; and texts written as such.

A Go string is bytes. Here it is a str whose stray bytes are lone surrogates (``surrogateescape``),
so that ``"\xff"`` and half of a character survive until the output is made.
"""

import re

_ESCAPES = {
    "a": 7, "b": 8, "f": 12, "n": 10, "r": 13, "t": 9, "v": 11, "\\": 92, "'": 39, '"': 34
}  # fmt: skip
_PIECE = re.compile(
    r"\\(?:x([0-9a-fA-F]{2})|([0-7]{3})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(.))|([^\\]+)",
    re.DOTALL,
)
_MAX_INT, _MAX_UINT = (1 << 63) - 1, (1 << 64) - 1
_NAMED = {7: "a", 8: "b", 12: "f", 10: "n", 13: "r", 9: "t", 11: "v", 92: "\\"}

_MAX_ESCAPED = 1 << 16

Number = int | float | complex


class BadLiteral(ValueError):
    """A literal that Go would refuse; the text says why."""


def unquote(text: str) -> str:
    """The value of a string literal, in double quotes or backquotes. Raises BadLiteral."""
    if text[0] == "`":
        return text[1:-1].replace("\r", "")
    return _unescape(text[1:-1], '"')


def unquote_character(text: str) -> int:
    """The code of a character literal. Raises BadLiteral."""
    inside = text[1:-1]
    value = as_bytes(_unescape(inside, "'"))
    if inside[:2] == "\\x" or re.match(r"\\[0-7]", inside):
        if len(value) == 1:
            return value[0]
    else:
        characters = value.decode("utf-8", "replace")
        if len(characters) == 1:
            return ord(characters)
    raise BadLiteral(f"malformed character constant: {text}" if inside else "invalid syntax")


def _unescape(text: str, quote: str) -> str:
    if "\\" not in text:
        return text
    if len(text) > _MAX_ESCAPED:
        raise BadLiteral("string too long")
    data = bytearray()
    at = 0
    while at < len(text):
        piece = _PIECE.match(text, at)
        if piece is None:
            raise BadLiteral("invalid syntax")
        data += _piece_bytes(piece, quote)
        at = piece.end()
    return as_text(bytes(data))


def _piece_bytes(piece: re.Match[str], quote: str) -> bytes:
    hexadecimal, octal, short, long, letter, plain = piece.groups()
    if plain is not None:
        return as_bytes(plain)
    if letter is not None:
        if letter not in _ESCAPES or letter in "\"'".replace(quote, ""):
            raise BadLiteral("invalid syntax")
        return bytes([_ESCAPES[letter]])
    if short is not None or long is not None:
        code = int(short or long, 16)
        if code > 0x10FFFF or 0xD800 <= code < 0xE000:
            raise BadLiteral("invalid syntax")
        return chr(code).encode()
    code = int(hexadecimal, 16) if hexadecimal is not None else int(octal, 8)
    if code > 255:
        raise BadLiteral("invalid syntax")
    return bytes([code])


def number(text: str) -> Number:
    """The value of a number as a function without a type of its own gets it. Raises BadLiteral."""
    if text.endswith("i"):
        return _imaginary(text)
    whole = _integer(text)
    if whole is not None and -_MAX_INT - 1 <= whole <= _MAX_UINT:
        return whole
    try:
        is_hexadecimal = re.search("[xX].*[pP]", text) is not None
        value = float.fromhex(text.replace("_", "")) if is_hexadecimal else float(text)
    except (ValueError, OverflowError):
        value = float("inf")
    if abs(value) == float("inf"):
        raise BadLiteral(f"illegal number syntax: {quoted(text)}")
    if not re.search("[.eEpP]", text):
        raise BadLiteral(f"integer overflow: {quoted(text)}")
    return value


def overflows(value: Number | str) -> bool:
    """Whether a constant is an integer that Go reads and does not use: above its int."""
    return isinstance(value, int) and value > _MAX_INT


def _integer(text: str) -> int | None:
    digits = text.lstrip("+-")
    sign = -1 if text[0] == "-" else 1
    try:
        if re.fullmatch("0_?[0-7][0-7_]*", digits):
            return sign * int("0o" + digits[1:].lstrip("_"), 8)
        return sign * int(digits, 0)
    except ValueError:
        return None


def _imaginary(text: str) -> complex:
    split = re.fullmatch(r"(.*[^eEpP+-])?([+-]?.*?)i", text)
    try:
        found = re.fullmatch(r"([+-]?[^+-]+(?:[eE][+-][^+-]+)?)([+-].+)i", text)
        if found:
            return complex(float(found[1]), float(found[2]))
        return complex(0, float(split[0][:-1] if split else "x"))
    except ValueError:
        raise BadLiteral(f"illegal number syntax: {quoted(text)}") from None


def quoted(text: str, *, quote: str = '"', ascii_only: bool = False) -> str:
    """A text as Go's ``%q`` writes it."""
    return quote + "".join(_quoted_character(one, quote, ascii_only) for one in text) + quote


def _quoted_character(one: str, quote: str, ascii_only: bool) -> str:
    code = ord(one)
    if one == quote:
        return f"\\{quote}"
    if code in _NAMED:
        return f"\\{_NAMED[code]}"
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    if one == " " or (one.isprintable() and (code < 0x7F or not ascii_only)):
        return one
    if code < 0x20 or code == 0x7F:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def as_bytes(text: str) -> bytes:
    """The bytes of a Go string."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # other surrogates, which no Go string can hold
        return text.encode("utf-8", "replace")


def as_text(data: bytes) -> str:
    """The Go string of some bytes."""
    return data.decode("utf-8", "surrogateescape")
