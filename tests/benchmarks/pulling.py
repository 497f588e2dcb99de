"""Pulling a large blob from a registry on loopback, against curl and sha256sum on the same."""

import json
import random
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from ollama_nb.names import Name
from ollama_nb.registry import Registry
from ollama_nb.settings import Settings
from ollama_nb.store import Store

from .table import Rounds, Row

_SIZE = 1 << 30
_PIECE = 1 << 22
_TYPE = "application/vnd.docker.distribution.manifest.v2+json"
_SUPPORT = Path(__file__).parents[1] / "support"


def pull_rows(*, rounds: int, size: int = _SIZE) -> list[Row]:
    """Seconds. The peer leaves its file to the system's memory; ours is on the disk at the end."""
    sys.path.append(str(_SUPPORT))
    from registry import running_registry

    left, kept = Rounds(), Rounds()
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        with running_registry(folder / "registry") as registry:
            name = Name.parse(f"{registry.host}/library/large")
            digest = _push(folder / "source", name, size)
            url = f"{registry.url}/v2/library/large/blobs/{digest}"
            for _ in range(rounds):
                theirs, synced = _fetch(url, folder / "blob")
                with tempfile.TemporaryDirectory(dir=folder) as models:
                    ours = _pull(Path(models), name)
                left.note(ours, theirs)
                kept.note(ours, synced)
    what = f"pull of {size / 1e9:.1f} GB, against curl and sha256sum"
    return [left.time_row(what, "1.25"), kept.time_row(f"{what} and sync")]


def _fetch(url: str, target: Path) -> tuple[float, float]:
    """How long the peer takes, and how long until its file is on the disk."""
    began = time.perf_counter()
    subprocess.run(["curl", "-sfo", target, url], check=True)
    subprocess.run(["sha256sum", target], check=True, capture_output=True)
    done = time.perf_counter() - began
    subprocess.run(["sync", target], check=True)
    synced = time.perf_counter() - began
    target.unlink()
    return done, synced


def _pull(models: Path, name: Name) -> float:
    registry = Registry(Store([models]), Settings(models=models))
    began = time.perf_counter()
    registry.pull(name, insecure=True, report=lambda _: None, stop=threading.Event())
    return time.perf_counter() - began


def _push(models: Path, name: Name, size: int) -> str:
    """Put a model of random bytes into the registry; return their digest."""
    store, generator = Store([models]), random.Random(size)
    with store.new_blob() as blob:
        for _ in range(0, size, _PIECE):
            blob.write(generator.randbytes(_PIECE))
        size, digest = blob.size, blob.keep()
    layer = {"mediaType": "application/vnd.ollama.image.model", "digest": digest, "size": size}
    fields = {"schemaVersion": 2, "mediaType": _TYPE, "config": layer, "layers": [layer]}
    with store.pinned([digest]):
        store.save(name, json.dumps(fields).encode())
    registry = Registry(store, Settings(models=models))
    registry.push(name, insecure=True, report=lambda _: None, stop=threading.Event())
    return digest
