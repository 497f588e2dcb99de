"""create against what cannot be saved of it: the gate, or llama.cpp's own quantization."""

import os
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

from ollama_nb.engine.quantizing import quantize as in_child
from ollama_nb.gguf import check_model, read_header
from ollama_nb.service import Service
from ollama_nb.settings import Settings
from ollama_nb.wire import CreateRequest, DeleteRequest

from .random_models import LARGE, quantize, write_full
from .table import Rounds, Row

_FORMATS = ("Q4_0", "Q8_0")
"""Quick ones: beside Q4_K_M, which takes minutes, nothing that create does besides would show."""
_PIECE = 16 << 20
_AIM = "≥ 0.95"


def creating_rows(settings: Settings, *, rounds: int) -> list[Row]:
    """In turns, in a store of its own. What create does besides is part of its time."""
    blob = Rounds()
    whole, alone = ({name: Rounds() for name in _FORMATS} for _ in range(2))
    with _source(settings) as (service, source, digest):
        megabytes = source.stat().st_size / 1e6
        for round_ in range(rounds + 1):
            ours, other = _create(service, digest), _judge(source)
            if round_:  # the first one has filled caches
                blob.note(ours, other)
            for name in _FORMATS:
                native = megabytes / _quantize(source, name)
                created = megabytes / _create(service, digest, name)
                apart = megabytes / _quantize_in_child(source, name)
                if round_:
                    whole[name].note(created, native)
                    alone[name].note(apart, native)
    size = f"{megabytes:,.0f} MB"
    return [
        blob.time_row(f"create from a blob of {size} / its header read and judged"),
        *(
            figures.row(f"weights as {name}, {size} / llama_model_quantize", _AIM, unit="MB/s")
            for name, figures in alone.items()
        ),
        *(
            figures.row(f"create with {name}, {size} / llama_model_quantize", unit="MB/s")
            for name, figures in whole.items()
        ),
    ]


@contextmanager
def _source(settings: Settings) -> Iterator[tuple[Service, Path, str]]:
    """A model in float16, as a file and as a blob of a service's store."""
    with tempfile.TemporaryDirectory(dir=settings.models.parent) as name:
        folder = Path(name)
        source = folder / "source.gguf"
        write_full(LARGE, source)
        service = Service(replace(settings, models=folder / "models"))
        with closing(service), service.new_blob(source.stat().st_size) as blob:
            with source.open("rb") as file:
                while piece := file.read(_PIECE):
                    blob.write(piece)
            yield service, source, blob.keep()


def _create(service: Service, digest: str, format: str = "") -> float:
    """The model that is not quantized stays, since it keeps the blob."""
    request = CreateRequest(model=f"m{format}", files={"source.gguf": digest}, quantize=format)
    begun = time.perf_counter()
    service.create(request).fold()
    taken = time.perf_counter() - begun
    if format:
        service.delete(DeleteRequest(model=request.model))
    return taken


def _judge(source: Path) -> float:
    begun = time.perf_counter()
    check_model(source)
    return time.perf_counter() - begun


def _quantize(source: Path, format: str) -> float:
    target = source.with_name("copy")
    begun = time.perf_counter()
    quantize(source, target, f"MOSTLY_{format}")
    with target.open("rb") as file:
        os.fsync(file.fileno())  # as what create makes is on the disk
    return time.perf_counter() - begun


def _quantize_in_child(source: Path, format: str) -> float:
    target = source.with_name("copy")
    begun = time.perf_counter()
    in_child(read_header(source), target, format, progress=lambda _: None, stop=threading.Event())
    with target.open("rb") as file:
        os.fsync(file.fileno())
    return time.perf_counter() - begun
