"""The host of a kernel: this process, but only for files that are known to load.

Native code does not raise, it dies, and in a kernel the user's variables die with it. So a file
that this build of llama.cpp has never loaded is first loaded, and decoded once, in a child process.
What came through is remembered, so that only the first load of a model costs more.
"""

import contextlib
import importlib.metadata
import importlib.util
from hashlib import sha256
from pathlib import Path
from queue import SimpleQueue

import msgspec

from ollama_nb.errors import BadRequest, EngineError, LoadFailed
from ollama_nb.wire.options import Options

from .host import Host, LoadedModel
from .sequence import EmbedRequest, Event, Picture, SequenceRequest
from .spec import LoadSpec

_PACKAGE = "llama-cpp-python"
_SMALL = 64
"""Tokens of window and batch: a trial needs no more."""
_WHITE = Picture(2, 2, b"\xff" * 12)


class TrialHost:
    """Loads on one host what has come through a trial on another."""

    def __init__(self, local: Host, worker: Host, *, remembered: Path, trusted: Path) -> None:
        """Take both hosts, the folder of the marks, and the folder of files that need no trial."""
        self._local = local
        self._worker = worker
        self._remembered = remembered
        self._trusted = trusted

    def load(self, spec: LoadSpec) -> LoadedModel:
        """Load, after a trial if need be. Raises LoadFailed, also for a file that kills."""
        if not all(path.is_relative_to(self._trusted) for path in _files(spec)):
            mark = self._remembered / _build() / _mark(spec)
            if not mark.exists():
                self._try(spec)
                with contextlib.suppress(OSError):  # then the next load is a trial again
                    mark.parent.mkdir(parents=True, exist_ok=True)
                    mark.touch()
        return self._local.load(spec)

    def _try(self, spec: LoadSpec) -> None:
        small = msgspec.structs.replace(spec, num_sequences=1)
        if not spec.projector:  # an image may take hundreds of tokens
            small = msgspec.structs.replace(
                small, window=min(spec.window, _SMALL), batch=min(spec.batch, _SMALL)
            )
        try:
            model = self._worker.load(small)
            try:
                _decode(model, spec)
            finally:
                model.close()
        except LoadFailed:
            raise
        except EngineError as error:
            raise LoadFailed(Path(spec.path).name, f"a trial of it failed: {error}") from error


def _decode(model: LoadedModel, spec: LoadSpec) -> None:
    """Decode once. Raises EngineError if the process died of it; mere refusals do no harm."""
    try:
        _ask(model, spec, (_WHITE,) if spec.projector else ())
    except BadRequest:  # such an image, or no room for it
        _ask(model, spec, ())


def _ask(model: LoadedModel, spec: LoadSpec, images: tuple[Picture, ...]) -> None:
    last = one_step(model, spec, images)[-1]
    if isinstance(last, Exception) and not model.alive:
        raise last


def one_step(
    model: LoadedModel, spec: LoadSpec, images: tuple[Picture, ...] = ()
) -> list[Event | Exception]:
    """Generate one token, or embed one; return what came, the last being the end or an error.

    Raises BadRequest for images that it cannot take, EngineError.
    """
    events: SimpleQueue[Event | Exception] = SimpleQueue()
    tokens = tuple(model.tokenize([*images, "a"], start=True)) or (0,)
    generate = SequenceRequest(
        tokens=tokens, images=images, options=Options(temperature=0), num_predict=1, num_keep=0,
        top_logprobs=0,
    )  # fmt: skip
    embed = EmbedRequest(texts=(tokens,))
    model.submit(generate if spec.pooling is None else embed, events.put)
    told = [events.get()]
    while not (isinstance(told[-1], Exception) or told[-1].done):
        told.append(events.get())
    return told


def _files(spec: LoadSpec) -> list[Path]:
    return [Path(path) for path in (spec.path, spec.projector, *spec.adapters) if path]


def _mark(spec: LoadSpec) -> str:
    """Name what was tried: the weights, and what was beside them."""
    weights, *beside = [f"{path.name}-{path.stat().st_size}" for path in _files(spec)]
    return f"{weights}-{sha256(repr(beside).encode()).hexdigest()[:16]}" if beside else weights


def _build() -> str:
    """Name this build of llama.cpp: another version, or the same built anew, is another one."""
    found = importlib.util.find_spec("llama_cpp")
    built = Path(found.origin).stat().st_mtime_ns if found and found.origin else 0
    return f"{importlib.metadata.version(_PACKAGE)}-{built}"
