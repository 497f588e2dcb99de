"""Models of random weights: real shapes and speeds without a download.

Same seed, same file. Written with the gguf package, quantized by llama.cpp, accepted by our gate.
"""

import os
from dataclasses import dataclass
from pathlib import Path

import gguf
import numpy as np

from ollama_nb.gguf import check_model

from .cache import cache_folder

_SEED = 20_25
_SCALE = 0.02
_CONTEXT = 8192
_END = "<|endoftext|>"


@dataclass(frozen=True)
class Shape:
    """A llama of random weights; the embedding is also the output (tied)."""

    name: str
    blocks: int
    width: int
    heads: int
    kv_heads: int
    feed_forward: int
    vocabulary: int
    file_type: str

    @property
    def head(self) -> int:
        return self.width // self.heads


SMALL = Shape("random-15m-q8_0", 8, 256, 8, 8, 768, 32_000, "MOSTLY_Q8_0")
LARGE = Shape("random-0.5b-q4_k_m", 24, 1024, 16, 8, 2816, 151_936, "MOSTLY_Q4_K_M")


def random_model(shape: Shape) -> Path:
    """The file of ``shape``, made on first use and judged by the gate every time."""
    path = cache_folder() / f"{shape.name}-{_SEED}.gguf"
    if not path.exists():
        print(f"making {path.name} (once, up to a minute) …", flush=True)
        full, part = path.with_suffix(".f16"), path.with_suffix(".part")
        write_full(shape, full)
        quantize(full, part, shape.file_type)
        full.unlink()
        part.rename(path)
    check_model(path)
    return path


def write_full(shape: Shape, path: Path) -> None:
    """Write the model before it is quantized, in float16."""
    writer = gguf.GGUFWriter(path, "llama", use_temp_file=True)
    writer.add_name(shape.name)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16)
    writer.add_context_length(_CONTEXT)
    writer.add_embedding_length(shape.width)
    writer.add_block_count(shape.blocks)
    writer.add_feed_forward_length(shape.feed_forward)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.kv_heads)
    writer.add_rope_dimension_count(shape.head)
    writer.add_rope_freq_base(10_000.0)
    writer.add_layer_norm_rms_eps(1e-5)
    _add_vocabulary(writer, shape.vocabulary)
    _add_weights(writer, shape)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _add_vocabulary(writer: gguf.GGUFWriter, size: int) -> None:
    """Every byte, one merge (the format wants some), an end, and fillers that look like words."""
    texts = [*_byte_letters(), "ab", _END]
    end = len(texts) - 1
    texts += [f"Ġw{number}" for number in range(size - len(texts))]
    types = [gguf.TokenType.NORMAL] * size
    types[end] = gguf.TokenType.CONTROL
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(texts)
    writer.add_token_types(types)
    writer.add_token_merges(["a b"])
    writer.add_bos_token_id(end)
    writer.add_eos_token_id(end)
    writer.add_add_bos_token(False)


def _byte_letters() -> list[str]:
    """GPT-2's visible letter for each byte: itself where printable, else one from U+0100 on."""
    printable = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    others = iter(range(0x100, 0x200))
    return [chr(byte) if byte in printable else chr(next(others)) for byte in range(256)]


def _add_weights(writer: gguf.GGUFWriter, shape: Shape) -> None:
    draw = np.random.default_rng(_SEED)

    def add(name: str, *size: int) -> None:
        weights = draw.standard_normal(size, np.float32) * np.float32(_SCALE)
        writer.add_tensor(f"{name}.weight", weights.astype(np.float16))

    def add_norm(name: str) -> None:
        writer.add_tensor(f"{name}.weight", np.ones(shape.width, np.float32))

    width, shared = shape.width, shape.kv_heads * shape.head
    add("token_embd", shape.vocabulary, width)
    add_norm("output_norm")
    for block in range(shape.blocks):
        prefix = f"blk.{block}"
        add_norm(f"{prefix}.attn_norm")
        add(f"{prefix}.attn_q", width, width)
        add(f"{prefix}.attn_k", shared, width)
        add(f"{prefix}.attn_v", shared, width)
        add(f"{prefix}.attn_output", width, width)
        add_norm(f"{prefix}.ffn_norm")
        add(f"{prefix}.ffn_gate", shape.feed_forward, width)
        add(f"{prefix}.ffn_up", shape.feed_forward, width)
        add(f"{prefix}.ffn_down", width, shape.feed_forward)


def quantize(source: Path, target: Path, file_type: str) -> None:
    """Call llama.cpp's own function, with all cores."""
    from llama_cpp import llama_cpp as lib

    params = lib.llama_model_quantize_default_params()
    params.ftype = getattr(lib, f"LLAMA_FTYPE_{file_type}")
    params.nthread = os.cpu_count() or 1
    if lib.llama_model_quantize(os.fsencode(source), os.fsencode(target), params):
        raise RuntimeError(f"llama.cpp could not quantize {source.name}")
