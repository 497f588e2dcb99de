"""A tiny GGUF writer that can write wrong files too, and a tiny random-weight llama model."""

import random
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache

UINT8, INT8, UINT16, INT16, UINT32, INT32, FLOAT32, BOOL, STRING, ARRAY = range(10)
UINT64, INT64, FLOAT64 = 10, 11, 12
CODES = {
    UINT8: "B", INT8: "b", UINT16: "H", INT16: "h", UINT32: "I", INT32: "i",
    FLOAT32: "f", BOOL: "?", UINT64: "Q", INT64: "q", FLOAT64: "d",
}  # fmt: skip

# The smallest legal file: one key, no tensors, no padding.
SMALLEST = (
    b"GGUF" + struct.pack("<IQQQ", 3, 0, 1, 20) + b"general.architecture"
    + struct.pack("<IQ", 8, 4) + b"test"
)  # fmt: skip


@dataclass(frozen=True)
class Value:
    """A metadata value with its type written out; `element` is set for arrays."""

    type: int
    data: object
    element: int | None = None

    def encode(self) -> bytes:
        head = struct.pack("<I", self.type)
        if self.type != ARRAY:
            return head + _scalar(self.type, self.data)
        items = list(self.data)
        head += struct.pack("<IQ", self.element, len(items))
        return head + b"".join(_scalar(self.element, item) for item in items)


def u32(data):
    return Value(UINT32, data)


def f32(data):
    return Value(FLOAT32, data)


def text(data):
    return Value(STRING, data)


def flag(data):
    return Value(BOOL, data)


def array(element, data):
    return Value(ARRAY, data, element)


def _raw(data: str | bytes) -> bytes:
    return data if isinstance(data, bytes) else data.encode()


def _scalar(kind: int, data) -> bytes:
    if kind == STRING:
        return struct.pack("<Q", len(_raw(data))) + _raw(data)
    return struct.pack(f"<{CODES[kind]}", data)


@dataclass
class Tensor:
    """A tensor; `data` gives its size in the file, `offset` overrides its place."""

    name: str | bytes
    shape: Sequence[int]
    type: int = 0
    data: bytes | None = None
    offset: int | None = None

    def payload(self) -> bytes:
        if self.data is not None:
            return self.data
        size = 4
        for dimension in self.shape:
            size *= dimension
        return bytes(size)


@dataclass
class File:
    """A GGUF file in the making. Every part can be set to something wrong."""

    metadata: dict[str | bytes, Value] = field(default_factory=dict)
    tensors: list[Tensor] = field(default_factory=list)
    version: int = 3
    magic: bytes = b"GGUF"
    alignment: int = 32
    num_tensors: int | None = None
    num_keys: int | None = None
    extra_keys: Iterable[tuple[str | bytes, Value]] = ()

    def set(self, **values: Value | None) -> "File":
        """Change metadata; `__` stands for the dot, None removes."""
        for key, value in values.items():
            self.put(key.replace("__", "."), value)
        return self

    def put(self, key: str, value: Value | None) -> "File":
        self.metadata.pop(key, None)
        if value is not None:
            self.metadata[key] = value
        return self

    def tensor(self, name: str) -> Tensor:
        return next(tensor for tensor in self.tensors if tensor.name == name)

    def encode(self) -> bytes:
        pairs = [*self.metadata.items(), *self.extra_keys]
        num_tensors = len(self.tensors) if self.num_tensors is None else self.num_tensors
        num_keys = len(pairs) if self.num_keys is None else self.num_keys
        head = self.magic + struct.pack("<IQQ", self.version, num_tensors, num_keys)
        head += b"".join(_scalar(STRING, key) + value.encode() for key, value in pairs)
        infos, data = [], bytearray()
        for tensor in self.tensors:
            data += bytes(-len(data) % self.alignment)
            offset = len(data) if tensor.offset is None else tensor.offset
            infos.append(
                _scalar(STRING, tensor.name)
                + struct.pack(f"<I{len(tensor.shape)}Q", len(tensor.shape), *tensor.shape)
                + struct.pack("<IQ", tensor.type, offset)
            )
            data += tensor.payload()
        head += b"".join(infos)
        if self.tensors:
            head += bytes(-len(head) % self.alignment)
        return head + bytes(data)


def byte_texts() -> list[str]:
    """The 256 one-byte tokens of a byte-level vocabulary, in byte order."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = iter(range(256, 512))
    return [chr(byte if byte in plain else next(others)) for byte in range(256)]


def vocabulary() -> dict[str, Value]:
    """A byte-level tokenizer: 256 bytes, 32 merged pairs, 4 control tokens."""
    base = byte_texts()
    rng = random.Random(7)
    pairs: dict[str, str] = {}
    while len(pairs) < 32:
        left, right = chr(rng.randrange(97, 123)), chr(rng.randrange(97, 123))
        pairs[left + right] = f"{left} {right}"
    tokens = [*base, *pairs, "<s>", "</s>", "<pad>", "<unk>"]
    return {
        "tokenizer.ggml.model": text("gpt2"),
        "tokenizer.ggml.pre": text("gpt-2"),
        "tokenizer.ggml.tokens": array(STRING, tokens),
        "tokenizer.ggml.token_type": array(INT32, [1] * (len(tokens) - 4) + [3] * 4),
        "tokenizer.ggml.merges": array(STRING, list(pairs.values())),
        "tokenizer.ggml.bos_token_id": u32(288),
        "tokenizer.ggml.eos_token_id": u32(289),
        "tokenizer.ggml.padding_token_id": u32(290),
        "tokenizer.ggml.add_bos_token": flag(True),
    }


def sentencepiece() -> dict[str, Value]:
    """A tokenizer of the kind that falls back to byte tokens."""
    tokens = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256)), "\u2581", "a"]
    return {
        "tokenizer.ggml.model": text("llama"),
        "tokenizer.ggml.tokens": array(STRING, tokens),
        "tokenizer.ggml.scores": array(FLOAT32, [0.0] * len(tokens)),
        "tokenizer.ggml.token_type": array(INT32, [2, 3, 3, *[6] * 256, 1, 1]),
        "tokenizer.ggml.bos_token_id": u32(1),
        "tokenizer.ggml.eos_token_id": u32(2),
        "tokenizer.ggml.unknown_token_id": u32(0),
    }


def tiny_llama(
    *, width: int = 64, blocks: int = 2, hidden: int = 128, spm: bool = False, weights: bool = True
) -> File:
    """A llama with random weights: 4 heads, 2 key/value heads. Loads in llama.cpp."""
    tokenizer = sentencepiece() if spm else vocabulary()
    num_tokens = len(tokenizer["tokenizer.ggml.tokens"].data)
    metadata = {
        "general.architecture": text("llama"),
        "general.name": text("tiny"),
        "llama.block_count": u32(blocks),
        "llama.context_length": u32(128),
        "llama.embedding_length": u32(width),
        "llama.feed_forward_length": u32(hidden),
        "llama.attention.head_count": u32(4),
        "llama.attention.head_count_kv": u32(2),
        "llama.attention.layer_norm_rms_epsilon": f32(1e-5),
        "llama.rope.dimension_count": u32(width // 4),
        "llama.rope.freq_base": f32(10000.0),
        **tokenizer,
    }
    shapes: dict[str, tuple[int, ...]] = {"token_embd.weight": (width, num_tokens)}
    for block in range(blocks):
        prefix = f"blk.{block}."
        shapes |= {
            prefix + "attn_norm.weight": (width,),
            prefix + "attn_q.weight": (width, width),
            prefix + "attn_k.weight": (width, width // 2),
            prefix + "attn_v.weight": (width, width // 2),
            prefix + "attn_output.weight": (width, width),
            prefix + "ffn_norm.weight": (width,),
            prefix + "ffn_gate.weight": (width, hidden),
            prefix + "ffn_up.weight": (width, hidden),
            prefix + "ffn_down.weight": (hidden, width),
        }
    shapes["output_norm.weight"] = (width,)
    return File(metadata, [_tensor(name, shape, weights) for name, shape in shapes.items()])


def _tensor(name: str, shape: tuple[int, ...], weights: bool) -> Tensor:
    if not weights:
        return Tensor(name, shape)
    return Tensor(name, shape, data=_weights(name, shape))


@cache
def _weights(name: str, shape: tuple[int, ...]) -> bytes:
    rng = random.Random(name)
    count = shape[0] * (shape[1] if len(shape) > 1 else 1)
    values = [1.0] * count if len(shape) == 1 else [rng.gauss(0, 0.05) for _ in range(count)]
    return struct.pack(f"<{count}f", *values)
