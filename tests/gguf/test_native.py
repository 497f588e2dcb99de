"""The proof that the gate protects: what passes it never kills a process that loads it.

About 60 wrong files and 60 random bit flips. Each that the gate lets through is loaded and decoded
by llama.cpp in a child process; the child may refuse it, it may not die.
"""

import os
import random
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import gguf_writer as writer
import pytest
from gguf_writer import Tensor, array, f32, flag, text, tiny_llama, u32

from ollama_nb.errors import MalformedGGUF
from ollama_nb.gguf import check_model

pytestmark = pytest.mark.native

Mutation = Callable[[writer.File], object]

# Loads each file named, makes a context, tokenizes a text and decodes it. Prints the file's name
# before and its fate after, so that the parent knows which one killed the child.
CHILD = textwrap.dedent(
    """
    import ctypes, sys
    import llama_cpp as L

    quiet = L.llama_log_callback(lambda *_: None)
    L.llama_log_set(quiet, ctypes.c_void_p(0))
    L.llama_backend_init()
    text = "Hello, world \\u20ac\\n".encode()

    def fate(path):
        model = L.llama_model_load_from_file(path.encode(), L.llama_model_default_params())
        if not model:
            return "refused"
        params = L.llama_context_default_params()
        params.n_ctx, params.n_batch, params.n_threads, params.n_threads_batch = 64, 64, 1, 1
        context = L.llama_init_from_model(model, params)
        result = "no context"
        if context:
            vocab = L.llama_model_get_vocab(model)
            tokens = (L.llama_token * 64)()
            count = L.llama_tokenize(vocab, text, len(text), tokens, 64, True, True)
            for token in range(L.llama_vocab_n_tokens(vocab)):
                L.llama_token_to_piece(vocab, token, ctypes.create_string_buffer(64), 64, 0, True)
            batch = L.llama_batch_get_one(tokens, max(count, 1))
            result = f"decoded {L.llama_decode(context, batch)}"
            L.llama_free(context)
        L.llama_model_free(model)
        return result

    for path in sys.argv[1:]:
        print("begin", path, flush=True)
        print("end", fate(path), flush=True)
    """
)


def _resize(name: str, shape: tuple[int, ...]) -> Mutation:
    def change(file: writer.File) -> None:
        tensor = file.tensor(name)
        tensor.shape, tensor.data = shape, None

    return change


def _retype(name: str, kind: int, size: int) -> Mutation:
    def change(file: writer.File) -> None:
        tensor = file.tensor(name)
        tensor.type, tensor.data = kind, bytes(size)

    return change


def _drop(name: str) -> Mutation:
    return lambda file: file.tensors.remove(file.tensor(name))


def _tokens(change: Callable[[list], list]) -> Mutation:
    key = "tokenizer.ggml.tokens"
    return lambda file: file.put(key, array(writer.STRING, change(list(file.metadata[key].data))))


def _put(key: str, value: writer.Value | None) -> Mutation:
    return lambda file: file.put(key, value)


NUMBERS = (0, 1, 3, 4, 513, 2**24 + 1, 2**31, 2**32 - 1)
MUTATIONS: dict[str, Mutation] = {
    "nothing": lambda file: None,
    **{
        f"{key} {number}": _put(f"llama.{key}", u32(number))
        for key in (
            "block_count",
            "context_length",
            "embedding_length",
            "feed_forward_length",
            "attention.head_count",
            "attention.head_count_kv",
            "attention.key_length",
            "attention.value_length",
            "attention.sliding_window",
            "rope.dimension_count",
            "rope.scaling.original_context_length",
            "expert_count",
            "expert_used_count",
            "expert_group_count",
            "nextn_predict_layers",
            "pooling_type",
            "vocab_size",
            "embedding_length_out",
        )
        for number in NUMBERS
    },
    **{
        f"{key} {number}": _put(f"llama.{key}", f32(number))
        for key in (
            "attention.layer_norm_rms_epsilon",
            "rope.freq_base",
            "rope.scaling.factor",
            "attention.clamp_kqv",
            "attention.max_alibi_bias",
        )
        for number in (0.0, -1.0, float("nan"), float("inf"), 1e38)
    },
    **{
        f"no {key}": _put(key, None)
        for key in (
            "llama.context_length",
            "llama.embedding_length",
            "llama.attention.head_count",
            "llama.attention.head_count_kv",
            "llama.attention.layer_norm_rms_epsilon",
            "llama.rope.dimension_count",
            "tokenizer.ggml.pre",
            "tokenizer.ggml.merges",
            "tokenizer.ggml.token_type",
            "tokenizer.ggml.bos_token_id",
        )
    },
    "heads per block": _put("llama.attention.head_count", array(writer.UINT32, [4, 0])),
    "heads per block, none first": _put("llama.attention.head_count", array(writer.UINT32, [0, 4])),
    "kv heads per block": _put("llama.attention.head_count_kv", array(writer.UINT32, [2, 0])),
    "kv heads per block, none first": _put(
        "llama.attention.head_count_kv", array(writer.UINT32, [0, 2])
    ),
    **{
        f"{key} {first} {second}": _put(f"llama.{key}", array(writer.UINT32, [first, second]))
        for key, first, second in (
            ("attention.head_count", 4, 2),
            ("attention.head_count", 2, 4),
            ("attention.head_count", 4, 8),
            ("attention.head_count_kv", 2, 1),
            ("attention.head_count_kv", 1, 2),
            ("attention.head_count_kv", 2, 4),
            ("feed_forward_length", 128, 64),
            ("feed_forward_length", 128, 0),
        )
    },
    "kv heads signed": _put("llama.attention.head_count_kv", array(writer.INT32, [2, -2])),
    "unknown scaling": _put("llama.rope.scaling.type", text("twisted")),
    "unknown architecture": _put("general.architecture", text("llamb")),
    "unknown tokenizer": _put("tokenizer.ggml.model", text("abacus")),
    "unknown pre-tokenizer": _put("tokenizer.ggml.pre", text("abacus")),
    "no vocabulary": _put("tokenizer.ggml.model", text("none")),
    "bert tokenizer": _put("tokenizer.ggml.model", text("bert")),
    "t5 tokenizer": _put("tokenizer.ggml.model", text("t5")),
    "rwkv tokenizer": _put("tokenizer.ggml.model", text("rwkv")),
    "gemma4 tokenizer": _put("tokenizer.ggml.model", text("gemma4")),
    "plamo2 tokenizer": _put("tokenizer.ggml.model", text("plamo2")),
    "sentencepiece tokenizer without bytes": _put("tokenizer.ggml.model", text("llama")),
    "bos outside": _put("tokenizer.ggml.bos_token_id", u32(2**32 - 1)),
    "eos outside": _put("tokenizer.ggml.eos_token_id", u32(100_000)),
    "eos added": _put("tokenizer.ggml.add_eos_token", flag(True)),
    "same token twice": _tokens(lambda texts: [*texts[:-1], texts[0]]),
    "same token up to a NUL": _tokens(lambda texts: [*texts[:-1], b"<s>\0x"]),
    "two empty tokens": _tokens(lambda texts: ["", "", *texts[2:]]),
    "empty token and its substitute": _tokens(lambda texts: ["", "[EMPTY_0]", *texts[2:]]),
    "tokens that are not UTF-8": _tokens(lambda texts: [b"\xff\xfe", b"\xc3", *texts[2:]]),
    "fewer tokens": _tokens(lambda texts: texts[:-8]),
    "more tokens": _tokens(lambda texts: [*texts, "more"]),
    "no newline token": _tokens(lambda texts: ["nl" if t == "\u010a" else t for t in texts]),
    "long token": _tokens(lambda texts: [*texts[:-1], "x" * 60_000]),
    "merges of nothing": _put("tokenizer.ggml.merges", array(writer.STRING, ["", " ", "a", "q q"])),
    "token types unknown": _put("tokenizer.ggml.token_type", array(writer.INT32, [99] * 292)),
    "token types all byte": _put("tokenizer.ggml.token_type", array(writer.INT32, [6] * 292)),
    "token_embd cut": _resize("token_embd.weight", (64, 200)),
    "token_embd turned": _resize("token_embd.weight", (292, 64)),
    "attn_q cut": _resize("blk.0.attn_q.weight", (64, 32)),
    "attn_norm cut": _resize("blk.0.attn_norm.weight", (32,)),
    "ffn_down one-dimensional": _resize("blk.0.ffn_down.weight", (128,)),
    "scalar norm": _resize("output_norm.weight", ()),
    "no output_norm": _drop("output_norm.weight"),
    "no attn_q": _drop("blk.1.attn_q.weight"),
    "no token_embd": _drop("token_embd.weight"),
    **{
        f"attn_q as type {kind}": _retype("blk.0.attn_q.weight", kind, size)
        for kind, size in ((1, 8192), (8, 4352), (9, 5120), (24, 4096), (26, 16384), (28, 32768))
    },
    **{
        f"token_embd as type {kind}": _retype("token_embd.weight", kind, 292 * row)
        for kind, row in ((1, 128), (8, 68), (9, 80), (24, 64), (26, 256), (28, 512), (30, 128))
    },
    **{
        f"attn_norm as type {kind}": _retype("blk.0.attn_norm.weight", kind, size)
        for kind, size in ((1, 128), (8, 68), (26, 256), (28, 512), (30, 128))
    },
    "unused tensor": lambda file: file.tensors.append(Tensor("blk.7.attn_q.weight", (4,))),
    "rope factors too few": lambda file: file.tensors.append(Tensor("rope_freqs.weight", (2,))),
    "rope factors F16": lambda file: file.tensors.append(
        Tensor("rope_freqs.weight", (8,), type=1, data=bytes(16))
    ),
    "bias of zeros": lambda file: file.tensors.append(Tensor("blk.0.attn_q.bias", (64,))),
    "bias F16": lambda file: file.tensors.append(
        Tensor("blk.0.attn_q.bias", (64,), type=1, data=bytes(128))
    ),
    "widths differ": lambda file: (
        file.set(llama__attention__key_length=u32(32), llama__rope__dimension_count=u32(32)),
        [_resize(f"blk.{n}.attn_q.weight", (64, 128))(file) for n in (0, 1)],
        [_resize(f"blk.{n}.attn_k.weight", (64, 64))(file) for n in (0, 1)],
        [_resize(f"blk.{n}.attn_output.weight", (128, 64))(file) for n in (0, 1)],
    ),
}


def _files(folder: Path) -> list[Path]:
    paths = []
    for number, change in enumerate(MUTATIONS.values()):
        file = tiny_llama()
        change(file)
        paths.append(folder / f"{number:03}.gguf")
        paths[-1].write_bytes(file.encode())
    return paths


def _flips(folder: Path, count: int) -> list[Path]:
    """Flip three bits in the header's keys, numbers and tensor list; seeded."""
    rng = random.Random(20)
    paths = []
    for number in range(count):
        data = bytearray(tiny_llama(spm=bool(number % 2)).encode())
        tensors = data.find(b"token_embd.weight") + 1300
        for _ in range(3):
            place = rng.choice((rng.randrange(24, 700), rng.randrange(24, tensors)))
            data[place] ^= 1 << rng.randrange(8)
        paths.append(folder / f"flip{number:03}.gguf")
        paths[-1].write_bytes(data)
    return paths


def _passed(paths: list[Path]) -> list[Path]:
    passed = []
    for path in paths:
        try:
            check_model(path)
        except MalformedGGUF:
            continue
        passed.append(path)
    return passed


def _load(paths: list[Path]) -> dict[str, str]:
    """Load the files in a child; return each file's fate. A dead child is replaced."""
    fates: dict[str, str] = {}
    todo = [str(path) for path in paths]
    while todo:
        child = subprocess.run(
            [sys.executable, "-c", CHILD, *todo],
            capture_output=True,
            text=True,
            timeout=300,
            env=os.environ | {"GGML_NO_BACKTRACE": "1"},
        )
        current = ""
        for line in child.stdout.splitlines():
            word, _, rest = line.partition(" ")
            if word == "begin":
                current = rest
                fates[current] = f"killed the process ({child.returncode})"
            elif word == "end":
                fates[current] = rest
        assert current, child.stderr
        todo = todo[todo.index(current) + 1 :]
    return fates


def test_what_passes_the_gate_never_kills_the_process(tmp_path):
    names = dict(zip(map(str, _files(tmp_path)), MUTATIONS, strict=True))
    paths = [Path(path) for path in names] + _flips(tmp_path, 100)
    passed = _passed(paths)
    fates = _load(passed)
    killers = {
        names.get(path, path): fate for path, fate in fates.items() if fate.startswith("killed")
    }
    assert not killers
    assert fates[str(tmp_path / "000.gguf")] == "decoded 0"
    assert 20 < len(passed) < len(paths)


def test_the_sentencepiece_model_decodes(tmp_path):
    path = tmp_path / "spm.gguf"
    path.write_bytes(tiny_llama(spm=True).encode())
    check_model(path)
    assert _load([path]) == {str(path): "decoded 0"}
