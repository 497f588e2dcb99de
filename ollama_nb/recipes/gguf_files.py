"""Layers made of GGUF files: what each file is, and sets of parts made one file (models, 7.2)."""

import contextlib
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ollama_nb.errors import BadRequest, MalformedGGUF, UnusableFiles
from ollama_nb.gguf import (
    Header,
    check_adapted,
    check_model,
    judge_adapter,
    judge_projector,
    judged_model,
    read_header,
)
from ollama_nb.store import Store

from .config import config_of_weights
from .layers import NO_BASE, Layers
from .progress import Report, status
from .splits import find_splits, merge

_MAGIC = b"GGUF"


def add_gguf(
    store: Store, layers: Layers, files: Mapping[str, str], report: Report, stop: threading.Event
) -> dict[str, Any]:
    """Add a layer for each file, or set of parts, in the order of their names.

    ``files`` are pinned digests by name. Returns what the config begins with. Raises OllamaError.
    """
    headers = {name: _read(name, layers.pin(digest), report) for name, digest in files.items()}
    sets = find_splits(headers)
    parts = {name for each in sets for name in each}
    config: dict[str, Any] | None = None
    adapters: list[Header] = []
    for name, header in headers.items():
        if name in parts:
            continue
        with _naming(name):
            kind, header = _judged(header)
        layers.add_blob(kind, files[name], origin=name)
        if kind == "model":
            layers.know(header)
            config = config_of_weights(header)
        elif kind == "adapter":
            adapters.append(header)
    for each in sets:
        with store.disk.draft() as draft:
            with _naming(each[0]):
                merge([headers[name] for name in each], draft.path, stop)
                header = check_model(draft.path)
            layers.add_draft("model", draft, origin=each[0])
        layers.know(header)
        config = config_of_weights(header)
    if config is None:
        raise BadRequest(NO_BASE)
    for adapter in adapters:
        check_adapted(adapter, layers.header())
    if layers.of("projector"):
        config["model_families"] = [*config["model_families"], "clip"]
    return config


def add_gguf_adapter(layers: Layers, name: str, digest: str, report: Report) -> None:
    """Add a layer for an adapter to the weights that are there. Raises OllamaError."""
    header = _read(name, layers.pin(digest), report)
    weights = layers.header()
    with _naming(name):
        judge_adapter(header)
        check_adapted(header, weights)
    layers.add_blob("adapter", digest, origin=name)


def _read(name: str, path: Path, report: Report) -> Header:
    _check_magic(name, path)
    report(status("parsing GGUF"))
    with _naming(name):
        return read_header(path)


def _check_magic(name: str, path: Path) -> None:
    """Tell GGUF by its first bytes."""
    with path.open("rb") as file:
        if file.read(len(_MAGIC)) == _MAGIC:
            return
    if name.endswith(".gguf"):
        raise BadRequest("supplied file was not in GGUF format")
    raise BadRequest("unknown type")


def _judged(header: Header) -> tuple[str, Header]:
    """What kind of layer a GGUF file makes. Raises MalformedGGUF for what may not be loaded."""
    kind = header.metadata.get("general.type")
    if kind == "adapter":
        judge_adapter(header)
        return "adapter", header
    if kind in ("projector", "mmproj") or header.architecture == "clip":
        judge_projector(header)
        return "projector", header
    return "model", judged_model(header)


@contextlib.contextmanager
def _naming(name: str) -> Iterator[None]:
    """Let a refusal name the file as the request does, and say that nothing was to be loaded."""
    try:
        yield
    except MalformedGGUF as error:
        raise UnusableFiles(f"{name}: {error.fault}") from None
