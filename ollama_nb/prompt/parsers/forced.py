"""Reading an answer that had to be a call: after the thinking, one JSON object made by a schema."""

from .literals import Malformed
from .parser import AnswerFormat, Call, Parsed
from .values import read_value


class ForcedCall:
    """A Parser. What is none, cut by the token limit or nested too deeply, comes out as text."""

    def __init__(self, format: AnswerFormat, *, thinks: bool, inside: bool) -> None:
        """Take how the model writes its thinking; see AnswerFormat.parser."""
        self._thinking = format.parser((), thinks=thinks, inside=inside)
        self._key = format.arguments_key
        self._texts: list[str] = []

    def feed(self, piece: str) -> Parsed:
        """Collect; only thinking is told at once."""
        parsed = self._thinking.feed(piece)
        self._texts.append(parsed.text)
        return Parsed(parsed.thinking)

    def flush(self) -> Parsed:
        """Return the call."""
        parsed = self._thinking.flush()
        text = "".join([*self._texts, parsed.text])
        try:
            made = read_value(text)
        except Malformed:
            return Parsed(parsed.thinking, text)
        return Parsed(parsed.thinking, calls=(Call(made["name"], made[self._key]),))
