"""Where built programs and generated models are kept between runs."""

import os
from pathlib import Path


def cache_folder() -> Path:
    """OLLAMA_NB_BENCH_CACHE, or a folder under the user's XDG cache directory."""
    given = os.environ.get("OLLAMA_NB_BENCH_CACHE")
    if given:
        folder = Path(given).expanduser()
    else:
        base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        folder = Path(base) / "ollama_nb" / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
