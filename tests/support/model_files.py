"""Models written into a store directory by hand, in Ollama's layout."""

import hashlib
import json
from functools import cache
from pathlib import Path

import numpy as np
from gguf_writer import File, tiny_llama, u32

_LOUDER = np.float32(10)
_NUM_CONTROLS = 4
_SMALL = np.float32(1e-3)  # not zero: this llama.cpp reads no epsilon of qwen2vl models


def write_blob(root: Path, data: bytes) -> str:
    """Store a blob; return its digest."""
    digest = hashlib.sha256(data).hexdigest()
    (root / "blobs").mkdir(parents=True, exist_ok=True)
    (root / "blobs" / f"sha256-{digest}").write_bytes(data)
    return f"sha256:{digest}"


def write_model(root: Path, name: str, *, weights: bytes, **layers: bytes) -> Path:
    """Store a model ``library/name:latest``; return its manifest's path."""
    contents = {"model": weights, **layers}
    document = {
        "schemaVersion": 2,
        "layers": [
            {
                "mediaType": f"application/vnd.ollama.image.{kind}",
                "digest": write_blob(root, data),
                "size": len(data),
            }
            for kind, data in contents.items()
        ],
    }
    path = root / "manifests" / "registry.ollama.ai" / "library" / name / "latest"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document))
    return path


@cache
def endless_weights(context: int = 2048) -> bytes:
    """The file of a model that never ends by itself."""
    return endless_model(context).encode()


def endless_model(context: int) -> File:
    """A tiny model whose answers go on for ever, with another token now and then.

    Its weights are random and large; the control tokens, whose rows are small, are never likeliest.
    """
    model = tiny_llama().put("llama.context_length", u32(context))
    width = 64
    for tensor in model.tensors:
        if len(tensor.shape) > 1:
            weights = _LOUDER * np.frombuffer(tensor.payload(), "<f4")
            if tensor.name == "token_embd.weight":
                weights[-_NUM_CONTROLS * width :] *= _SMALL
            tensor.data = weights.astype("<f4").tobytes()
    return model
