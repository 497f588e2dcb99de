"""Layers made of checkpoints: where create meets conversion.

Conversion is imported when there is something to convert, since it takes a third of a second.
"""

import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from ollama_nb.gguf import check_adapted
from ollama_nb.store import Store
from ollama_nb.store.disk import storing

from .config import config_of_weights
from .layers import Layers
from .progress import CONVERTING, Report, counted, status
from .quantization import source_format

_STEPS = 200
"""How often progress is told, at most."""


def is_checkpoint(names: Iterable[str]) -> bool:
    """Whether files of these names have to be converted."""
    return any(name.endswith(".safetensors") for name in names)


def add_converted(
    store: Store,
    layers: Layers,
    files: dict[str, Path],
    *,
    single: bool,
    report: Report,
    stop: threading.Event,
) -> dict[str, Any]:
    """Add a layer of weights; return what the config begins with. Raises OllamaError."""
    from .convert import Checkpoint, convert

    tell = _progress("converting model", report)
    with store.disk.draft() as draft:
        with storing():
            header = convert(Checkpoint(files), draft.path, progress=tell, stop=stop, single=single)
        layers.add_draft("model", draft, origin="")
    layers.know(header)
    return config_of_weights(header) | {"file_type": source_format(header)}


def add_converted_adapter(
    store: Store,
    layers: Layers,
    files: dict[str, Path],
    *,
    report: Report,
    stop: threading.Event,
) -> None:
    """Add a layer of an adapter to the weights that are there. Raises OllamaError."""
    from .convert import Checkpoint, convert_adapter

    base = layers.header()
    tell = _progress("converting adapter", report)
    with store.disk.draft() as draft:
        with storing():
            header = convert_adapter(Checkpoint(files), base, draft.path, progress=tell, stop=stop)
        check_adapted(header, base)
        layers.add_draft("adapter", draft, origin="")


def _progress(text: str, report: Report) -> Callable[[int, int], None]:
    """What tells of it, first without a number and then in even steps."""
    report(status(text))
    told = 0

    def tell(completed: int, total: int) -> None:
        nonlocal told
        if (completed - told) * _STEPS >= total or completed == total:
            told = completed
            report(counted(text, CONVERTING, completed, total))

    return tell
