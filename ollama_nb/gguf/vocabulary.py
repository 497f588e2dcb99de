"""The tokenizer of a model: what llama.cpp trusts in the token list and what it dies of.

Knows the tokenizer's keys; knows nothing of templates. Reads the token texts from the file, as the
bytes llama.cpp will see: it takes them as C strings, so a text ends at its first NUL.
"""

import re
from typing import Final, NamedTuple

from .arrays import FLOAT32, INT32, STRING, UINT32, ArrayRef, Scalar, read_strings
from .records import Header

MAX_TOKENS: Final = 4 << 20
MAX_TOKEN_BYTES: Final = 64 << 10

_NO_VOCABULARY: Final = ("none", "no_vocab")
_NORMAL_TYPE: Final = 1
_BYTE_TYPE: Final = 6
_MARKUP_ENDS: Final = (b">", b"]")
"""How the texts end that llama.cpp takes for control tokens whatever their type ("<|im_end|>")."""
_BYTE_TOKEN: Final = re.compile(rb"<0x[0-9A-Fa-f]{2}>")
_SPECIAL_ID: Final = re.compile(r"tokenizer\.ggml\.\w+_(?:token_)?id")

# The tokenizers that put tokens around a text, with the ids taken when the file names none.
# Tokenizing asserts that the id exists.
_DEFAULT_IDS: Final[dict[str, dict[str, int]]] = {
    "llama": {"bos": 1, "eos": 2},
    "bert": {"bos": 101, "seperator": 102},  # sic: the key is spelt so
    "gpt2": {"bos": 11, "eos": 11},
    "t5": {"eos": 1},
    "gemma4": {},
}
_ALWAYS_ADDED: Final[dict[str, tuple[str, ...]]] = {
    "llama": ("bos",),
    "bert": ("bos", "seperator"),
    "t5": ("eos",),
    "gemma4": ("bos",),
}
# Models that share another model's vocabulary, so that their own embedding may be smaller.
_DRAFTS: Final = frozenset(("eagle3", "dflash"))


class Judged(NamedTuple):
    """A vocabulary that may be loaded: warnings about odd special ids, and Header's ``marked``."""

    warnings: tuple[str, ...] = ()
    marked: tuple[int, ...] = ()


def check_vocabulary(header: Header) -> Judged:
    """Refuse a vocabulary that llama.cpp cannot take."""
    model = header.metadata.get("tokenizer.ggml.model")
    if not isinstance(model, str) or "\0" in model:
        header.refuse("tokenizer.ggml.model is not a name")
    if model in _NO_VOCABULARY:
        return Judged()
    ref = header.metadata.get("tokenizer.ggml.tokens")
    if not isinstance(ref, ArrayRef) or ref.type != STRING or not ref.length:
        header.refuse("has no vocabulary (tokenizer.ggml.tokens)")
    if ref.length > MAX_TOKENS:
        header.refuse(f"has {ref.length} tokens, the limit is {MAX_TOKENS}")
    _check_lengths(header, ref.length)
    _check_merges(header, model)
    texts = read_strings(header.path, ref)
    _check_texts(header, texts)
    kinds = _kinds(header, len(texts))
    _check_byte_tokens(header, kinds, texts)
    _check_embedding(header, ref.length)
    if model == "llama":
        _check_byte_fallback(header, texts)
    _check_added(header, model, ref.length)
    return Judged(tuple(_odd_ids(header, ref.length)), tuple(_marked(kinds, texts)))


def _array(header: Header, key: str, types: tuple[int, ...]) -> ArrayRef | None:
    value = header.metadata.get(key)
    if value is None:
        return None
    if not isinstance(value, ArrayRef) or value.type not in types:
        header.refuse(f"{key} is not an array of the right type")
    return value


def _check_lengths(header: Header, num_tokens: int) -> None:
    """Check that scores and types are as many as tokens."""
    for key, types in (
        ("tokenizer.ggml.scores", (FLOAT32, INT32)),
        ("tokenizer.ggml.token_type", (INT32, UINT32)),
    ):
        ref = _array(header, key, types)
        if ref and ref.length != num_tokens:
            header.refuse(f"{key} has {ref.length} entries for {num_tokens} tokens")


def _check_merges(header: Header, model: str) -> None:
    merges = _array(header, "tokenizer.ggml.merges", (STRING,))
    unmerged = header.metadata.get("tokenizer.ggml.pre") == "kimi-k2"
    if model == "gpt2" and merges is None and not unmerged:
        header.refuse("has a byte-pair tokenizer without tokenizer.ggml.merges")


def _check_texts(header: Header, texts: list[bytes]) -> None:
    """Check length and uniqueness of the token texts (llama.cpp asserts that they differ)."""
    if max(map(len, texts)) > MAX_TOKEN_BYTES:
        header.refuse(f"a token text is longer than {MAX_TOKEN_BYTES} bytes")
    if len(set(texts)) == len(texts) and b"" not in texts and b"\0" not in b"".join(texts):
        return
    seen: dict[bytes, int] = {}
    for token_id, text in enumerate(texts):
        # llama.cpp's own name for an empty text
        word = text.partition(b"\0")[0] or b"[EMPTY_%d]" % token_id
        first = seen.setdefault(word, token_id)
        if first != token_id:
            shown = word[:40].decode("utf-8", "replace")
            header.refuse(f"tokens {first} and {token_id} are the same text {shown!r}")


def _kinds(header: Header, num_tokens: int) -> list[Scalar]:
    """The type of every token; all are normal where the file does not say."""
    ref = header.metadata.get("tokenizer.ggml.token_type")
    return header.read_array(ref) if isinstance(ref, ArrayRef) else [_NORMAL_TYPE] * num_tokens


def _marked(kinds: list[Scalar], texts: list[bytes]) -> list[int]:
    return [
        token_id
        for token_id, (kind, text) in enumerate(zip(kinds, texts, strict=True))
        if kind not in (_NORMAL_TYPE, _BYTE_TYPE) or text.endswith(_MARKUP_ENDS)
    ]


def _check_byte_tokens(header: Header, kinds: list[Scalar], texts: list[bytes]) -> None:
    """Check that tokens of type BYTE are `<0xHH>`: llama.cpp cuts the digits out unchecked."""
    if _BYTE_TYPE not in kinds:
        return
    for token_id, kind in enumerate(kinds):
        if kind == _BYTE_TYPE and not _BYTE_TOKEN.fullmatch(texts[token_id]):
            shown = texts[token_id][:40].decode("utf-8", "replace")
            header.refuse(f"byte token {token_id} is {shown!r}, not of the form <0xHH>")


def _check_byte_fallback(header: Header, texts: list[bytes]) -> None:
    """Check that every byte has a token: the tokenizer throws through C when one is missing."""
    words = set(texts)
    for byte in range(256):
        if b"<0x%02X>" % byte not in words and bytes((byte,)) not in words:
            header.refuse(f"the tokenizer has no token for byte 0x{byte:02X}")


def _check_embedding(header: Header, num_tokens: int) -> None:
    shapes = [tensor.shape for tensor in header.tensors if tensor.name == "token_embd.weight"]
    if not shapes or header.architecture in _DRAFTS:
        return
    if len(shapes[0]) != 2 or shapes[0][1] != num_tokens:
        header.refuse(f"token_embd.weight has the shape {shapes[0]} for {num_tokens} tokens")
    width = header.get("features_length") or header.get("embedding_length")
    if isinstance(width, int) and shapes[0][0] != width:
        header.refuse(f"token_embd.weight has the shape {shapes[0]} for width {width}")


def _check_added(header: Header, model: str, num_tokens: int) -> None:
    """Check that the tokens which are put around every text exist."""
    for name in ("bos", "eos", "seperator"):
        flag: Scalar | ArrayRef | None = header.metadata.get(f"tokenizer.ggml.add_{name}_token")
        if not isinstance(flag, bool):
            flag = name in _ALWAYS_ADDED.get(model, ())
        if model == "bert":
            flag = name in _ALWAYS_ADDED["bert"]
        if model in _DEFAULT_IDS and flag and not _has_id(header, model, name, num_tokens):
            header.refuse(f"texts get a {name} token, but the tokenizer has none")


def _has_id(header: Header, model: str, name: str, num_tokens: int) -> bool:
    given = header.metadata.get(f"tokenizer.ggml.{name}_token_id")
    if isinstance(given, int) and 0 <= given < num_tokens:
        return True
    return _DEFAULT_IDS[model].get(name, num_tokens) < num_tokens


def _odd_ids(header: Header, num_tokens: int) -> list[str]:
    """Name the special ids outside the vocabulary: they count as absent (0xFFFFFFFF is common)."""
    return [
        f"{key} {value} is outside the vocabulary of {num_tokens} tokens and counts as absent"
        for key, value in header.metadata.items()
        if _SPECIAL_ID.fullmatch(key) and isinstance(value, int) and not 0 <= value < num_tokens
    ]
