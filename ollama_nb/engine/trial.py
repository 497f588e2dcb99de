"""The host of a kernel: this process, but only for files that are known to load.

Native code does not raise, it dies, and in a kernel the user's variables die with it. So a file
that this build of llama.cpp has never loaded is first loaded, and decoded once, in a child process.
What came through is remembered, so that only the first load of a model costs more.
"""

import contextlib
import importlib.metadata
import importlib.util
from pathlib import Path
from queue import SimpleQueue

import msgspec

from ollama_nb.errors import EngineError, LoadFailed
from ollama_nb.wire.options import Options

from .host import Host, LoadedModel
from .sequence import EmbedRequest, Event, SequenceRequest
from .spec import LoadSpec

_PACKAGE = "llama-cpp-python"
_SMALL = 64
"""Tokens of window and batch: a trial needs no more."""


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
        path = Path(spec.path)
        if not path.is_relative_to(self._trusted):
            mark = self._remembered / _build() / f"{path.name}-{path.stat().st_size}"
            if not mark.exists():
                self._try(spec)
                with contextlib.suppress(OSError):  # then the next load is a trial again
                    mark.parent.mkdir(parents=True, exist_ok=True)
                    mark.touch()
        return self._local.load(spec)

    def _try(self, spec: LoadSpec) -> None:
        small = msgspec.structs.replace(
            spec, num_sequences=1, window=min(spec.window, _SMALL), batch=min(spec.batch, _SMALL)
        )
        try:
            model = self._worker.load(small)
            try:
                _decode(model, generates=spec.pooling is None)
            finally:
                model.close()
        except LoadFailed:
            raise
        except EngineError as error:
            raise LoadFailed(Path(spec.path).name, f"a trial of it failed: {error}") from error


def _decode(model: LoadedModel, *, generates: bool) -> None:
    """Decode once. Raises EngineError if the process died of it; mere refusals do no harm."""
    events: SimpleQueue[Event | Exception] = SimpleQueue()
    tokens = tuple(model.tokenize(["a"], start=True)) or (0,)
    generate = SequenceRequest(
        tokens=tokens, options=Options(temperature=0), num_predict=1, num_keep=0
    )
    model.submit(generate if generates else EmbedRequest(texts=(tokens,)), events.put)
    while True:
        event = events.get()
        if isinstance(event, Exception):
            if not model.alive:
                raise event
            return
        if event.done:
            return


def _build() -> str:
    """Name this build of llama.cpp: another version, or the same built anew, is another one."""
    found = importlib.util.find_spec("llama_cpp")
    built = Path(found.origin).stat().st_mtime_ns if found and found.origin else 0
    return f"{importlib.metadata.version(_PACKAGE)}-{built}"
