"""From the trained network to files: a q8_0 GGUF, and the built-in store that holds it.

Needs the `gguf` package. The store itself is laid out by `builtin_store.py`.
"""

import json
import tempfile
from pathlib import Path

import gguf
import numpy
from tokenizers import Tokenizer

from .builtin_store import TEMPLATES, write_store
from .network import Network, Shape
from .tokenizer import CONTROL, END, PADDING, VISIBLE

_MATRICES = {
    "attention.q": "attn_q", "attention.k": "attn_k", "attention.v": "attn_v",
    "attention.output": "attn_output", "feed_forward.gate": "ffn_gate",
    "feed_forward.up": "ffn_up", "feed_forward.down": "ffn_down",
    "attention_norm": "attn_norm", "feed_forward_norm": "ffn_norm",
}  # fmt: skip

_OUTER = {
    "embedding.weight": "token_embd.weight",
    "norm.weight": "output_norm.weight",
    "output.weight": "output.weight",
}


def export(network: Network, tokenizer: Tokenizer, store: Path) -> int:
    """Write the GGUF and the store around it; return the GGUF's size in bytes."""
    parameters = sum(parameter.numel() for parameter in network.parameters())
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "guide.gguf"
        write_gguf(network, tokenizer, path)
        weights = path.read_bytes()
    write_store(weights, store, parameters=parameters, shape=_lengths(network.shape))
    return len(weights)


def write_gguf(network: Network, tokenizer: Tokenizer, path: Path) -> None:
    """Write one file: metadata, vocabulary, matrices as q8_0, norms as f32."""
    writer = gguf.GGUFWriter(path, "llama")
    _describe(writer, network.shape)
    _add_vocabulary(writer, tokenizer)
    for name, tensor in network.state_dict().items():
        _add_tensor(writer, _tensor_name(name), tensor.float().numpy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _describe(writer: gguf.GGUFWriter, shape: Shape) -> None:
    writer.add_type(gguf.GGUFType.MODEL)
    writer.add_name("guide")
    writer.add_description("Answers questions about ollama_nb")
    writer.add_license("bsd-3-clause")
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q8_0)
    writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
    writer.add_vocab_size(shape.vocabulary)
    writer.add_context_length(shape.context)
    writer.add_embedding_length(shape.width)
    writer.add_block_count(shape.blocks)
    writer.add_feed_forward_length(shape.feed_forward)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.heads)
    writer.add_rope_dimension_count(shape.head_width)
    writer.add_rope_freq_base(shape.rope_base)
    writer.add_layer_norm_rms_eps(shape.norm_epsilon)


def _add_vocabulary(writer: gguf.GGUFWriter, tokenizer: Tokenizer) -> None:
    ids = tokenizer.get_vocab(with_added_tokens=True)
    tokens = sorted(ids, key=lambda token: ids[token])
    types = [_token_type(token) for token in tokens]
    merges = json.loads(tokenizer.to_str())["model"]["merges"]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(tokens)
    writer.add_token_types(types)
    writer.add_token_merges([" ".join(pair) for pair in merges])
    writer.add_bos_token_id(ids[PADDING])
    writer.add_eos_token_id(ids[END])
    writer.add_eot_token_id(ids[END])
    writer.add_pad_token_id(ids[PADDING])
    writer.add_add_bos_token(value=False)
    for role in ("prefix", "suffix", "middle"):
        key = f"tokenizer.ggml.fim_{role[:3]}_token_id"
        writer.add_uint32(key, ids[f"<|fim_{role}|>"])
    writer.add_chat_template((TEMPLATES / "chat.jinja").read_text(encoding="utf-8"))


def _token_type(token: str) -> gguf.TokenType:
    if token in CONTROL:
        return gguf.TokenType.CONTROL
    return gguf.TokenType.USER_DEFINED if token in VISIBLE else gguf.TokenType.NORMAL


def _tensor_name(name: str) -> str:
    """Turn `blocks.3.attention.q.weight` into `blk.3.attn_q.weight`."""
    if name.startswith("blocks."):
        _, block, rest = name.split(".", 2)
        return f"blk.{block}.{_MATRICES[rest.removesuffix('.weight')]}.weight"
    return _OUTER[name]


def _add_tensor(writer: gguf.GGUFWriter, name: str, values: numpy.ndarray) -> None:
    if values.ndim == 1:
        writer.add_tensor(name, values)
        return
    kind = gguf.GGMLQuantizationType.Q8_0
    writer.add_tensor(name, gguf.quants.quantize(values, kind), raw_dtype=kind)


def _lengths(shape: Shape) -> dict[str, int]:
    return {"context_length": shape.context, "embedding_length": shape.width}
