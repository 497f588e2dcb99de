"""The models that are measured, in a store of their own so that the service can find them."""

import hashlib
import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from ollama_nb.errors import OllamaError
from ollama_nb.settings import Settings
from ollama_nb.store import Store

from .random_models import LARGE, SMALL, random_model

GUIDE = "guide"
FASTEST = "random-15m"
"""The model whose steps are shortest, so that what is beside them shows."""
LARGEST = "random-0.5b"
"""The model with the largest vocabulary, and with steps as long as real ones."""


@dataclass(frozen=True)
class Measured:
    """A model under the name that the service knows it by, and what is expected of it."""

    name: str
    path: Path
    aim: str
    num_prompt: int = 512


def find_models(folder: Path) -> tuple[list[Measured], Settings]:
    """The models that are there, and settings of a fresh store under ``folder`` with them."""
    settings = Settings(models=folder, keep_alive_ns=3600 * 10**9)
    found = [
        Measured(FASTEST, random_model(SMALL), "≥ 0.90"),
        Measured(LARGEST, random_model(LARGE), "≥ 0.97"),
    ]
    for one in found:
        _enter(folder, one)
    guide = _guide(settings)
    return ([guide, *found] if guide else found), settings


def _guide(settings: Settings) -> Measured | None:
    try:
        model = Store([settings.builtin_models]).find(GUIDE)
        window = model.header.get("context_length")
        room = window // 2 if isinstance(window, int) else 512
        return Measured(GUIDE, model.weights, "≥ 0.90", min(512, room))
    except OllamaError as error:
        print(f"note: no rows for the built-in model: {error}")
        return None


def _enter(root: Path, model: Measured) -> None:
    """Write a manifest; the blob is a link or, where links fail, a copy."""
    with model.path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    blob = root / "blobs" / f"sha256-{digest}"
    blob.parent.mkdir(parents=True, exist_ok=True)
    try:
        blob.symlink_to(model.path)
    except OSError:
        shutil.copyfile(model.path, blob)
    layer = {
        "mediaType": "application/vnd.ollama.image.model",
        "digest": f"sha256:{digest}",
        "size": model.path.stat().st_size,
    }
    manifest = root / "manifests" / "registry.ollama.ai" / "library" / model.name / "latest"
    manifest.parent.mkdir(parents=True, exist_ok=True)
    manifest.write_text(json.dumps({"schemaVersion": 2, "layers": [layer]}))
