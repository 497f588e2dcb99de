"""`python -m ollama_nb.guide.unpack FOLDER`: the shipped model as the checkpoint it is made of.

What q8_0 has left of the numbers; made into a model again, it gives the same file. Needs no torch.
"""

import argparse
from pathlib import Path
from typing import Any, Final

from gguf import GGUFReader
from gguf.quants import dequantize
from tokenizers import Tokenizer

from ollama_nb.store import Store

from . import BUILTIN_MODELS
from .export import Guide, export
from .shape import Shape
from .tokenizer import CONTROL, VISIBLE, assemble

_BLOCK: Final = {
    "attn_q": "attention.q", "attn_k": "attention.k", "attn_v": "attention.v",
    "attn_output": "attention.output", "ffn_gate": "feed_forward.gate",
    "ffn_up": "feed_forward.up", "ffn_down": "feed_forward.down",
    "attn_norm": "attention_norm", "ffn_norm": "feed_forward_norm",
}  # fmt: skip
_OUTER: Final = {"token_embd": "embedding", "output_norm": "norm", "output": "output"}


def unpack(path: Path) -> Guide:
    """Read a GGUF of ours: float32 tensors, sizes, tokenizer."""
    reader = GGUFReader(path)
    tensors = {
        _network_name(tensor.name): dequantize(tensor.data, tensor.tensor_type)
        for tensor in reader.tensors
    }
    return Guide(_shape(reader), tensors, _tokenizer(reader))


def _network_name(name: str) -> str:
    """Turn `blk.3.attn_q.weight` into `blocks.3.attention.q.weight`."""
    name = name.removesuffix(".weight")
    if name.startswith("blk."):
        _, block, part = name.split(".", 2)
        return f"blocks.{block}.{_BLOCK[part]}.weight"
    return f"{_OUTER[name]}.weight"


def _shape(reader: GGUFReader) -> Shape:
    def value(key: str) -> Any:
        return _contents(reader, f"llama.{key}")

    return Shape(
        vocabulary=value("vocab_size"),
        width=value("embedding_length"),
        blocks=value("block_count"),
        heads=value("attention.head_count"),
        feed_forward=value("feed_forward_length"),
        context=value("context_length"),
        rope_base=value("rope.freq_base"),
        norm_epsilon=float(f"{value('attention.layer_norm_rms_epsilon'):.7g}"),  # it was a float32
    )


def _tokenizer(reader: GGUFReader) -> Tokenizer:
    texts = _contents(reader, "tokenizer.ggml.tokens")
    merges = [merge.split(" ") for merge in _contents(reader, "tokenizer.ggml.merges")]
    vocabulary = {
        text: number for number, text in enumerate(texts) if text not in {*CONTROL, *VISIBLE}
    }
    return assemble(vocabulary, [(first, second) for first, second in merges])


def _contents(reader: GGUFReader, key: str) -> Any:
    return reader.fields[key].contents()


def main() -> None:
    """Write the checkpoint of the built-in model."""
    parser = argparse.ArgumentParser(prog="python -m ollama_nb.guide.unpack", description=__doc__)
    parser.add_argument("folder", type=Path, help="where to write it")
    given = parser.parse_args()
    export(unpack(Store([BUILTIN_MODELS]).find("guide").weights), given.folder)


if __name__ == "__main__":
    main()
