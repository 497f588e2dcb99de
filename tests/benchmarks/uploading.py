"""How fast a blob goes into the store over HTTP, against cp and sha256sum of the same file."""

import hashlib
import os
import subprocess
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from ollama_nb.settings import Settings

from .own_server import own_server
from .table import Rounds, Row

_SIZE = 1 << 30
_PIECE = 1 << 20


def upload_rows(settings: Settings, *, rounds: int) -> list[Row]:
    """In turns; the file is in the system's cache, and cp's copy goes to the disk as ours does."""
    rates = Rounds()
    with tempfile.TemporaryDirectory(dir=settings.models.parent) as name:
        folder = Path(name)
        file, digest = _random_file(folder / "file")
        store = replace(settings, models=folder / "models")
        blob = store.models / "blobs" / digest.replace(":", "-")
        with own_server(store) as server:
            url = f"{server.address}/api/blobs/{digest}"
            for round_ in range(rounds + 1):
                ours = _seconds("curl", "-sSf", "-X", "POST", "-T", file, url)
                if not blob.is_file():
                    raise RuntimeError("the blob has not arrived")
                blob.unlink()
                other = _seconds("cp", file, folder / "copy")
                other += _seconds("sync", folder / "copy")
                other += _seconds("sha256sum", folder / "copy")
                if round_:  # the first one has filled caches
                    rates.note(_SIZE / ours / 1e6, _SIZE / other / 1e6)
    return [rates.row("blob of 1 GiB over HTTP / cp, sync, sha256sum", "≥ 0.8", unit="MB/s")]


def _random_file(path: Path) -> tuple[Path, str]:
    digest = hashlib.sha256()
    with path.open("wb") as file:
        for _ in range(_SIZE // _PIECE):
            piece = os.urandom(_PIECE)
            file.write(piece)
            digest.update(piece)
    return path, f"sha256:{digest.hexdigest()}"


def _seconds(*command: str | Path) -> float:
    begun = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - begun
