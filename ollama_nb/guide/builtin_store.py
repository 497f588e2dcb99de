"""The built-in store: `guide` and `guide:think` as manifests and blobs in Ollama's layout.

Both names share the weights, licence and parameters; they differ in template and capabilities.
Bytes are as Ollama would write them: compact JSON in its field order, one newline at the end.
"""

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

TEMPLATES = Path(__file__).parent / "templates"
_OLLAMA = "application/vnd.ollama.image"
_CAPABILITIES = {
    "latest": ["completion", "tools", "insert"],
    "think": ["completion", "tools", "insert", "thinking"],
}


def write_store(weights: bytes, store: Path, *, parameters: int, shape: dict[str, int]) -> None:
    """Write the store anew; what was there before is removed."""
    for part in ("blobs", "manifests"):
        shutil.rmtree(store / part, ignore_errors=True)
    shared = [
        _layer(store, "license", (TEMPLATES / "LICENSE.txt").read_bytes()),
        _layer(store, "params", encode({"temperature": 0})),
    ]
    model = _layer(store, "model", weights)
    for tag, capabilities in _CAPABILITIES.items():
        template = _layer(store, "template", (TEMPLATES / f"{tag}.gotmpl").read_bytes())
        config = {
            "model_format": "gguf", "model_family": "llama", "model_families": ["llama"],
            "model_type": f"{parameters / 1e6:.2f}M", "file_type": "Q8_0",
            "capabilities": capabilities, **shape, "architecture": "amd64", "os": "linux",
        }  # fmt: skip
        manifest = {
            "schemaVersion": 2,
            "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
            "config": _blob(
                store, "application/vnd.docker.container.image.v1+json", encode(config)
            ),
            "layers": [model, template, *shared],
        }
        path = store / "manifests" / "registry.ollama.ai" / "library" / "guide" / tag
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encode(manifest))


def encode(value: dict[str, Any]) -> bytes:
    """Write JSON as Ollama does; none of our texts holds a character that Go would escape."""
    return (json.dumps(value, separators=(",", ":"), ensure_ascii=False) + "\n").encode()


def _layer(store: Path, kind: str, content: bytes) -> dict[str, Any]:
    return _blob(store, f"{_OLLAMA}.{kind}", content)


def _blob(store: Path, media_type: str, content: bytes) -> dict[str, Any]:
    digest = hashlib.sha256(content).hexdigest()
    (store / "blobs").mkdir(parents=True, exist_ok=True)
    (store / "blobs" / f"sha256-{digest}").write_bytes(content)
    return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(content)}
