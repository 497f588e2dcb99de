"""The store: how fast models are listed, headers read and blobs written."""

import gc
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from statistics import median

from ollama_nb.gguf import check_model, read_header
from ollama_nb.service.listing import list_models
from ollama_nb.settings import Settings
from ollama_nb.store import Store

from .table import Rounds, Row

_NUM_MODELS = 1000
_NUM_TOKENS, _NUM_MERGES = 128_256, 280_147
_BLOB_BYTES = 1 << 30
_PIECE = 1 << 20
_LIST_AIM, _HEADER_AIM, _UPLOAD_AIM = "≤ 50 ms", "≤ 50 ms", "≥ 0.8"

_COLD = """
import sys, time
from pathlib import Path
from ollama_nb.service.listing import list_models
from ollama_nb.store import Store
begun = time.perf_counter()
found = list_models(Store([Path(sys.argv[1])]))
print(len(found.models), time.perf_counter() - begun)
"""


def store_rows(settings: Settings, *, rounds: int) -> list[Row]:
    """Each in a folder of its own, on the disk that temporary files are on."""
    with _folder() as folder:
        models = _models(folder / "models")
        store = Store([models])
        list_models(store)
        rows = [
            _row(f"list of {_NUM_MODELS:,} models, warm", lambda: list_models(store), rounds),
            _cold_row(models, rounds),
        ]
    with _folder() as folder:
        path = folder / "large.gguf"
        path.write_bytes(_large_vocabulary())
        what = f"with {_NUM_TOKENS:,} tokens"
        rows.append(_row(f"GGUF header {what}", lambda: read_header(path), rounds))
        rows.append(_row(f"GGUF gate {what}", lambda: check_model(path), rounds, aim=""))
    with _folder() as folder:
        rows += _upload_rows(folder, replace(settings, models=folder / "models"), rounds)
    return rows


def _row(work: str, do: Callable[[], object], rounds: int, aim: str = _LIST_AIM) -> Row:
    times = [_time(do) for _ in range(max(rounds, 5))]
    return Row(work, f"{min(times) * 1e3:.1f} ms", middle=f"{median(times) * 1e3:.1f} ms", aim=aim)


def _time(do: Callable[[], object]) -> float:
    gc.collect()
    begun = time.perf_counter()
    do()
    return time.perf_counter() - begun


def _cold_row(models: Path, rounds: int) -> Row:
    """The first list of a process; the system has the files in memory."""
    times = []
    for _ in range(max(rounds, 3)):
        command = [sys.executable, "-c", _COLD, str(models)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        number, seconds = done.stdout.split()
        if int(number) != _NUM_MODELS:
            raise RuntimeError(f"{number} models were listed")
        times.append(float(seconds))
    work = f"list of {_NUM_MODELS:,} models, first of a process"
    return Row(work, f"{min(times) * 1e3:.1f} ms", middle=f"{median(times) * 1e3:.1f} ms")


def _upload_rows(folder: Path, settings: Settings, rounds: int) -> list[Row]:
    """One blob written, hashed and on the disk; the others copy it and hash the copy."""
    source, store = folder / "source", Store([settings.models])
    with source.open("wb") as file:
        for _ in range(_BLOB_BYTES // (64 << 20)):
            file.write(os.urandom(64 << 20))
    kept, unsafe = Rounds(), Rounds()
    for _ in range(max(2, rounds // 2)):
        own = _upload(store, source)
        kept.note(own, _copy_and_hash(source, folder / "copy", sync=True))
        unsafe.note(own, _copy_and_hash(source, folder / "copy", sync=False))
    work = f"blob of {_BLOB_BYTES >> 20:,} MB written"
    return [
        _rate_row(f"{work}, against cp, sync and sha256sum", kept),
        _rate_row(f"{work}, against cp and sha256sum, not on the disk", unsafe),
    ]


def _rate_row(work: str, rounds: Rounds) -> Row:
    row = rounds.row(work, _UPLOAD_AIM)
    row.ours, row.other = (text.replace("tokens/s", "MB/s") for text in (row.ours, row.other))
    return row


def _upload(store: Store, source: Path) -> float:
    subprocess.run(["sync"], check=True)
    begun = time.perf_counter()
    with source.open("rb", buffering=0) as file, store.new_blob() as blob:
        while data := file.read(_PIECE):
            blob.write(data)
        digest = blob.keep()
    elapsed = time.perf_counter() - begun
    (store.disk.root / "blobs" / digest.replace(":", "-")).unlink()
    return _BLOB_BYTES / elapsed / 1e6


def _copy_and_hash(source: Path, target: Path, *, sync: bool) -> float:
    subprocess.run(["sync"], check=True)
    begun = time.perf_counter()
    subprocess.run(["cp", source, target], check=True)
    if sync:
        subprocess.run(["sync", target], check=True)
    subprocess.run(["sha256sum", target], check=True, stdout=subprocess.DEVNULL)
    elapsed = time.perf_counter() - begun
    target.unlink()
    return _BLOB_BYTES / elapsed / 1e6


@contextmanager
def _folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp())
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def _models(root: Path) -> Path:
    """Models of small files, each with weights and a config of its own."""
    _support()
    from gguf_writer import text, tiny_llama
    from model_files import write_blob, write_model

    weights = tiny_llama().put("general.name", text("00000")).encode()
    template = b"{{ .Prompt }}"
    for number in range(_NUM_MODELS):
        own = weights.replace(b"00000", b"%05d" % number, 1)
        write_model(root, f"model{number}", weights=own, template=template)
    write_blob(root, b"")
    return root


def _large_vocabulary() -> bytes:
    """A model whose header is as large as that of Llama 3.2."""
    _support()
    from gguf_writer import INT32, STRING, array, text, tiny_llama

    tokens = [f"<{number:x}{hashlib.md5(b'%d' % number).hexdigest()[:5]}" for number in
              range(_NUM_TOKENS)]  # fmt: skip
    merges = [f"ab{number % 977} cd{number}" for number in range(_NUM_MERGES)]
    model = tiny_llama()
    for key, value in {
        "tokenizer.ggml.model": text("gpt2"),
        "tokenizer.ggml.tokens": array(STRING, tokens),
        "tokenizer.ggml.token_type": array(INT32, [1] * _NUM_TOKENS),
        "tokenizer.ggml.merges": array(STRING, merges),
    }.items():
        model.put(key, value)
    embedding = model.tensor("token_embd.weight")
    embedding.shape, embedding.data = (64, _NUM_TOKENS), None
    return model.encode()


def _support() -> None:
    folder = str(Path(__file__).parent.parent / "support")
    if folder not in sys.path:
        sys.path.append(folder)
