"""Conversion of a checkpoint in float16, against cp of the same bytes. Nothing is synced."""

import json
import os
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ollama_nb.recipes.convert import Checkpoint, convert
from ollama_nb.recipes.model_folder import model_files

from .table import Rounds, Row

_BLOCKS, _WIDTH, _HIDDEN, _HEADS, _TOKENS = 8, 2048, 5632, 16, 32_000
_AIM = "≥ 0.5"


def converting_rows(*, rounds: int) -> list[Row]:
    """In turns, in a folder of its own, on the disk that temporary files are on."""
    found = Rounds()
    with _folder() as folder:
        checkpoint = _checkpoint(folder / "checkpoint")
        source = checkpoint / "model.safetensors"
        megabytes = source.stat().st_size / 1e6
        for round_ in range(rounds + 1):
            ours, other = _convert(checkpoint, folder / "made"), _copy(source, folder / "copy")
            if round_:  # the first one has filled caches
                found.note(megabytes / ours, megabytes / other)
    return [found.row(f"conversion of {megabytes:,.0f} MB, f16 to f16", _AIM, unit="MB/s")]


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


def _convert(checkpoint: Path, target: Path) -> float:
    target.unlink(missing_ok=True)
    begun = time.perf_counter()
    convert(
        Checkpoint({file.name: file.path for file in model_files(checkpoint)}),
        target,
        progress=lambda completed, total: None,
        stop=threading.Event(),
    )
    return time.perf_counter() - begun


def _copy(source: Path, target: Path) -> float:
    """As cp does without asking the file system for a shared copy."""
    target.unlink(missing_ok=True)
    begun = time.perf_counter()
    subprocess.run(["cp", "--reflink=never", str(source), str(target)], check=True)
    return time.perf_counter() - begun


def _checkpoint(folder: Path) -> Path:
    """A llama of 1.1 billion parameters with a third of the layers, and a tokenizer of bytes."""
    folder.mkdir()
    config = {
        "architectures": ["LlamaForCausalLM"], "hidden_size": _WIDTH,
        "intermediate_size": _HIDDEN, "num_attention_heads": _HEADS,
        "num_hidden_layers": _BLOCKS, "max_position_embeddings": 2048, "rms_norm_eps": 1e-5,
    }  # fmt: skip
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "tokenizer.json").write_text(json.dumps(_tokenizer()))
    header, at = {}, 0
    for name, shape in _shapes():
        size = 2 * shape[0] * (shape[1] if len(shape) > 1 else 1)
        header[name] = {"dtype": "F16", "shape": shape, "data_offsets": [at, at + size]}
        at += size
    text = json.dumps(header).encode()
    with (folder / "model.safetensors").open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        while at:
            at -= file.write(os.urandom(min(at, 64 << 20)))
    return folder


def _shapes() -> Iterator[tuple[str, list[int]]]:
    yield "model.embed_tokens.weight", [_TOKENS, _WIDTH]
    yield "lm_head.weight", [_TOKENS, _WIDTH]
    yield "model.norm.weight", [_WIDTH]
    for block in range(_BLOCKS):
        layer = f"model.layers.{block}."
        for part in "qkvo":
            yield f"{layer}self_attn.{part}_proj.weight", [_WIDTH, _WIDTH]
        yield f"{layer}mlp.gate_proj.weight", [_HIDDEN, _WIDTH]
        yield f"{layer}mlp.up_proj.weight", [_HIDDEN, _WIDTH]
        yield f"{layer}mlp.down_proj.weight", [_WIDTH, _HIDDEN]
        yield f"{layer}input_layernorm.weight", [_WIDTH]
        yield f"{layer}post_attention_layernorm.weight", [_WIDTH]


def _tokenizer() -> dict[str, object]:
    words = [chr(0x100 + number) for number in range(256)]
    return {
        "model": {
            "type": "BPE",
            "vocab": {word: number for number, word in enumerate([*words, words[0] + words[1]])},
            "merges": [[words[0], words[1]]],
        },
        "pre_tokenizer": {"type": "ByteLevel"},
    }
