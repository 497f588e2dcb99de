"""A vocabulary as GGUF has it: texts with types, and how to cut with them. Knows no files."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from gguf import GGUFValueType, GGUFWriter
from gguf import TokenType as Kind

from ollama_nb.errors import Unconvertible

MAX_TOKENS: Final = 4 << 20
_LOWEST: Final = -1000.0
"""The score of what is never put together out of parts."""
_SPACE: Final = "\u2581"


@dataclass(slots=True)
class Token:
    """One of them."""

    text: str
    kind: Kind = Kind.NORMAL
    score: float = 0.0


@dataclass(slots=True)
class Vocabulary:
    """Tokens by their ids, and which of them are put around a text."""

    model: str
    """llama.cpp's name for the way of cutting: gpt2, llama or bert."""
    pre: str
    """llama.cpp's name for how texts are cut into words before."""
    tokens: dict[int, Token]
    merges: list[str] = field(default_factory=list)
    prefixed: bool | None = None
    """Whether a text begins as if after a space; None: it does not matter."""
    lowers: bool | None = None
    """Whether words lose their capitals; None: it does not matter."""
    strips_accents: bool | None = None
    """Whether letters lose their accents; None: it does not matter."""
    adds: dict[str, bool] = field(default_factory=dict)
    """Whether ``bos`` and ``eos`` are put around a text."""
    ids: dict[str, int] = field(default_factory=dict)
    """The tokens with a task of their own: bos, eos, unk, …"""
    strips: bool = False
    """Whether some tokens take the white space that follows with them."""

    def add(self, number: int, text: str, *, special: bool) -> None:
        """Lay an added token over what is there. Raises Unconvertible."""
        if not 0 <= number < MAX_TOKENS:
            raise Unconvertible.tokenizer_format(f"token {number} is beyond {MAX_TOKENS}")
        there = self.tokens.get(number)
        if there and there.text == text and there.kind not in (Kind.NORMAL, Kind.UNUSED):
            return
        if not special and self.model == "llama":
            text = text.replace(_SPACE, " ")  # looked for in the text as it comes
        kind = Kind.CONTROL if special else Kind.USER_DEFINED
        self.tokens[number] = Token(text, kind, _LOWEST)

    def find(self, text: str) -> int | None:
        """The id of a text."""
        return next((number for number, token in self.tokens.items() if token.text == text), None)

    def pad(self, count: int) -> None:
        """Fill up to so many tokens, as many as the embedding has. Raises Unconvertible."""
        if count > MAX_TOKENS:
            raise Unconvertible.tokenizer_format(
                f"the model has {count} tokens, the limit is {MAX_TOKENS}"
            )
        highest = max(self.tokens, default=-1)
        if highest >= count:
            raise Unconvertible.tokenizer_format(
                f"the tokenizer has {highest + 1} tokens, the model only {count}"
            )
        texts = {token.text for token in self.tokens.values()}
        padding = (text for text in map("[PAD{}]".format, range(MAX_TOKENS)) if text not in texts)
        for number in range(count):
            if number not in self.tokens:
                self.tokens[number] = Token(next(padding), Kind.UNUSED, _LOWEST)

    def describe(self, writer: GGUFWriter) -> None:
        """Write all of it."""
        tokens = [self.tokens[number] for number in range(len(self.tokens))]
        writer.add_vocab_size(len(tokens))
        writer.add_tokenizer_model(self.model)
        writer.add_tokenizer_pre(self.pre)
        texts = [_encoded(token.text) for token in tokens]
        _add_array(writer, "tokens", texts, GGUFValueType.STRING)
        kinds = [int(token.kind) for token in tokens]
        _add_array(writer, "token_type", kinds, GGUFValueType.INT32)
        if self.model == "llama":
            scores = [token.score for token in tokens]
            _add_array(writer, "scores", scores, GGUFValueType.FLOAT32)
        if self.merges:
            _add_array(writer, "merges", self.merges, GGUFValueType.STRING)
        if self.prefixed is not None:
            writer.add_add_space_prefix(self.prefixed)
        if self.lowers is not None:
            writer.add_bool("tokenizer.ggml.normalizer.lowercase", self.lowers)
        if self.strips_accents is not None:
            writer.add_bool("tokenizer.ggml.normalizer.strip_accents", self.strips_accents)
        for name, number in self.ids.items():
            if 0 <= number < len(tokens):
                writer.add_uint32(f"tokenizer.ggml.{name}_token_id", number)
        for name, flag in self.adds.items():
            writer.add_bool(f"tokenizer.ggml.add_{name}_token", flag)


def _add_array(
    writer: GGUFWriter, name: str, values: Sequence[object], kind: GGUFValueType
) -> None:
    """Without being asked for the type of each, which would take as long as all the rest."""
    writer.add_key_value(f"tokenizer.ggml.{name}", values, GGUFValueType.ARRAY, kind)


def _encoded(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise Unconvertible.tokenizer_format("a token is no Unicode") from error
