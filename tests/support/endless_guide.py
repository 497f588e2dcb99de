"""The guide with a large window and without an end: it can be interrupted wherever a test wants.

The same weights with four values of the file's header changed, put into a store of its own.
"""

import hashlib
import json
import struct
from pathlib import Path

from ollama_nb.settings import BUILTIN_MODELS

WINDOW = 65_536
CONTROL_TOKENS = range(4082, 4088)
ORDINARY = 1


def add_endless_guide(models: Path) -> str:
    """Write the model into the store at ``models`` and return its name."""
    library = "manifests/registry.ollama.ai/library"
    manifest = json.loads((BUILTIN_MODELS / library / "guide" / "latest").read_text())
    config = _read(manifest["config"]["digest"])
    layers = [
        _layer(models, layer["mediaType"], _read(layer["digest"]))
        for layer in manifest["layers"]
        if not layer["mediaType"].endswith("license")
    ]
    manifest |= {
        "config": _layer(models, manifest["config"]["mediaType"], config),
        "layers": layers,
    }
    path = models / library / "endless" / "latest"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(manifest))
    return "endless"


def _read(digest: str) -> bytes:
    return (BUILTIN_MODELS / "blobs" / digest.replace(":", "-")).read_bytes()


def _layer(models: Path, media_type: str, data: bytes) -> dict[str, object]:
    if media_type.endswith("image.model"):
        data = _without_end(data)
    digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
    blobs = models / "blobs"
    blobs.mkdir(parents=True, exist_ok=True)
    (blobs / digest.replace(":", "-")).write_bytes(data)
    return {"mediaType": media_type, "digest": digest, "size": len(data)}


def _without_end(gguf: bytes) -> bytes:
    """Rename the ends that llama.cpp knows, call another token the end, widen the window.

    Control tokens become ordinary ones: each token has a text then, and the answer always grows.
    """
    for text, other in ((b"<|im_end|>", b"<|im_enX|>"), (b"<|endoftext|>", b"<|endofteXt|>")):
        gguf = gguf.replace(_text(text), _text(other), 1)
    last_token = 4095
    key = _text(b"tokenizer.ggml.token_type")
    types = gguf.index(key) + len(key)
    types += 4 + 4 + 8  # that it is an array, of what, how long
    for token in CONTROL_TOKENS:
        at = types + 4 * token
        gguf = gguf[:at] + struct.pack("<i", ORDINARY) + gguf[at + 4 :]
    gguf = _set(gguf, b"tokenizer.ggml.eos_token_id", last_token)
    gguf = _set(gguf, b"tokenizer.ggml.eot_token_id", last_token)
    return _set(gguf, b"llama.context_length", WINDOW)


def _set(gguf: bytes, key: bytes, value: int) -> bytes:
    found = gguf.index(_text(key)) + len(_text(key)) + 4  # the value's type
    return gguf[:found] + struct.pack("<I", value) + gguf[found + 4 :]


def _text(text: bytes) -> bytes:
    return struct.pack("<Q", len(text)) + text
