"""A Modelfile's text to its instructions, and back (reference: models, 4.1).

Ollama reads character by character; this does the same by stretches, in time that grows with the
text alone. It knows no meaning: ``definition.py`` does.
"""

import codecs
import re
from collections.abc import Iterable, Iterator

import msgspec

from ollama_nb.errors import InvalidModelfile

from .quoting import BLANKS, find_close, is_nothing, opening, printable, quoted

MAX_BYTES = 8 << 20
MAX_INSTRUCTIONS = 20_000

INSTRUCTIONS = (
    "from", "license", "template", "system", "adapter", "draft", "renderer", "parser", "parameter",
    "message", "requires",
)  # fmt: skip
ROLES = ("system", "user", "assistant")

# Possessive: nothing is tried twice, and nothing remembered for it.
_BETWEEN = re.compile(r"(?:[ \t\r\n]++|#[^\r\n]*+)*+")
_LETTERS = re.compile(r"[A-Za-z]*+")
_KEY = {"parameter": re.compile(r"[A-Za-z0-9_]*+"), "message": _LETTERS}
_LINE = re.compile(r"[^\r\n]*+")
_LINE_ENDS = re.compile(r"\r\n|\r|\n")


class Command(msgspec.Struct, frozen=True):
    """One instruction, in small letters. ``key`` is a parameter's name or a message's role."""

    instruction: str
    value: str
    key: str = ""
    line: int = 0


def parse(source: bytes | str) -> list[Command]:
    """Read a whole Modelfile. Raises InvalidModelfile, also where it has no FROM."""
    commands = list(_Reader(decoded(source)).commands())
    if not any(command.instruction == "from" for command in commands):
        raise InvalidModelfile("no FROM line")
    return commands


def write(commands: Iterable[Command]) -> str:
    """Write instructions so that ``parse`` reads the same, one after the other."""
    return "".join(f"{_head(command)} {quoted(command.value)}\n" for command in commands)


def comment(text: str) -> str:
    """Write a text that nobody reads as an instruction."""
    return "".join(f"# {line}".rstrip() + "\n" for line in _LINE_ENDS.split(text))


def is_writable(command: Command) -> bool:
    """Whether ``parse`` would take it: the key has its alphabet, the role is one."""
    if command.instruction == "message":
        return command.key in ROLES
    if command.instruction == "parameter":
        return _KEY["parameter"].fullmatch(command.key) is not None
    return command.instruction in INSTRUCTIONS and not command.key


def _head(command: Command) -> str:
    if not is_writable(command):
        raise ValueError(f"no Modelfile can say {command.instruction} {command.key!r}")
    word = command.instruction.upper()
    return f"{word} {command.key}" if command.instruction in _KEY else word


def decoded(source: bytes | str) -> str:
    """The text of a Modelfile: UTF-16 by its mark, else UTF-8. Raises InvalidModelfile."""
    if len(source) > MAX_BYTES:
        raise InvalidModelfile(f"a Modelfile may have {MAX_BYTES >> 20} MiB, this one is larger")
    if isinstance(source, str):
        # Half a surrogate pair can be written nowhere.
        text = source.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    elif source.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        text = source.decode("utf-16", "replace")
    else:
        text = source.decode("utf-8", "replace")
    return text.removeprefix("\ufeff")


class _Reader:
    """Where the reading is."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._line = 1
        self._counted = 0

    def commands(self) -> Iterator[Command]:
        number = 0
        while self._skip():
            number += 1
            if number > MAX_INSTRUCTIONS:
                raise self._fault(f"more than {MAX_INSTRUCTIONS} instructions")
            line, instruction = self._line, self._instruction()
            key = self._key(instruction) if instruction in _KEY else ""
            yield Command(instruction, self._value(), key, line)

    def _skip(self) -> bool:
        """Go to the next instruction, past blank lines and comments. False: there is none."""
        self._at = self._match(_BETWEEN).end()
        text, region = self._text, (self._counted, self._at)
        self._line += text.count("\n", *region) + text.count("\r", *region)
        self._line -= text.count("\r\n", *region)
        self._counted = self._at
        return self._at < len(self._text)

    def _instruction(self) -> str:
        """The first word: any character and then letters, up to a blank."""
        start, first = self._at, self._text[self._at]
        self._at += 1
        self._at = self._match(_LETTERS).end()
        if self._at == len(self._text):
            raise self._fault("unexpected EOF")
        word = printable(first).lower() + self._text[start + 1 : self._at].lower()
        if self._text[self._at] not in BLANKS or word not in INSTRUCTIONS:
            raise InvalidModelfile.command(INSTRUCTIONS, self._line, self._ollamas_line())
        self._at += 1
        return word

    def _key(self, instruction: str) -> str:
        """The second word of PARAMETER and MESSAGE; two blanks make an empty one."""
        match = self._match(_KEY[instruction])
        self._at = match.end()
        if self._at == len(self._text):
            raise self._fault("unexpected EOF")
        if self._text[self._at] not in BLANKS:
            raise self._fault(f"unexpected EOF: {match[0]}")
        if instruction == "message" and match[0] not in ROLES:
            raise InvalidModelfile.role(ROLES, self._line, self._ollamas_line())
        self._at += 1
        return match[0]

    def _value(self) -> str:
        """The rest of the line, or what stands in quotes there and on the lines after it."""
        text, start = self._text, self._at
        end = self._match(_LINE).end()
        while start < end and is_nothing(text[start]):
            start += 1
        quote = opening(text, start)
        if not quote:
            self._at = end
            return printable(text[start:end]).strip(BLANKS)
        start += len(quote)
        close = find_close(text, start, quote)
        if close is None:
            raise self._fault(f"unexpected EOF: {quote} is opened here and no line ends with it")
        self._at = close[1]
        return text[start : close[0]]

    def _match(self, pattern: re.Pattern[str]) -> re.Match[str]:
        """Match a pattern that may be empty, which therefore matches anywhere."""
        match = pattern.match(self._text, self._at)
        assert match is not None
        return match

    def _fault(self, text: str) -> InvalidModelfile:
        return InvalidModelfile(text, self._line)

    def _ollamas_line(self) -> int:
        """Its count: CRLF is two lines, and a line's end is on the next one."""
        end = self._at + 1
        return 1 + self._text.count("\n", 0, end) + self._text.count("\r", 0, end)
