"""One loaded model: a thread that owns it, a queue into it, and one visible loop.

The thread named ``ollama-nb-runner`` is the only one that decodes. Others submit, cancel and read
the vocabulary. Each turn of the loop is a step of ``generator.py`` and a call of ``embedding.py``,
as far as there is something to do.
"""

import itertools
import logging
import os
import threading
from queue import SimpleQueue

from ollama_nb.errors import Cancelled, ContextTooLong, EngineError

from . import native
from .embedding import Embeddings, LiveEmbedding
from .generator import Generator
from .host import Emit, Vocabulary, check_not_forked
from .live import LiveSequence
from .sequence import EmbedRequest, Request, SequenceRequest
from .spec import LoadSpec

_log = logging.getLogger(__name__)
_CLOSE = object()

Live = LiveSequence | LiveEmbedding


class Runner:
    """A LoadedModel on a thread of this process."""

    vocabulary: Vocabulary

    def __init__(self, spec: LoadSpec) -> None:
        """Load the model on its own thread and wait. Raises LoadFailed or EngineError."""
        if spec.num_sequences < 1:
            raise EngineError("a model needs room for one sequence at least")
        self._spec = spec
        self._pid = os.getpid()
        self._inbox: SimpleQueue[Live | object] = SimpleQueue()
        self._known: dict[int, Live] = {}
        self._known_lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._closing = False
        self._ready = threading.Event()
        self._fault: list[Exception] = []
        self._thread = threading.Thread(target=self._run, name="ollama-nb-runner", daemon=True)
        self._thread.start()
        try:
            self._ready.wait()
        except BaseException:  # an interrupt: nobody will own what is being loaded
            self._inbox.put(_CLOSE)
            raise
        if self._fault:
            self._thread.join()
            raise self._fault[0]

    # -- for other threads ---------------------------------------------------------------------

    def tokenize(self, parts: list[str], *, start: bool) -> list[int]:
        """See LoadedModel: BOS is added at the start unless the text already has it."""
        add_bos = start and self._model.adds_bos and not parts[0].startswith(self.vocabulary.bos)
        tokens = [self._model.bos] if add_bos else []
        for part in parts:
            tokens += self._model.tokenize(part, add_special=False, parse_special=True)
        return tokens

    def detokenize(self, tokens: list[int]) -> str:
        """See LoadedModel."""
        pieces = (self._model.piece(token, special=True) for token in tokens)
        return b"".join(pieces).decode("utf-8", "replace")

    @property
    def alive(self) -> bool:
        """See LoadedModel."""
        return not self._closing

    def submit(self, request: Request, emit: Emit) -> int:
        """See LoadedModel. Raises EngineError after close and in a forked child; BadRequest."""
        check_not_forked(self._pid)
        live = self._live(next(self._numbers), request, emit)
        with self._known_lock:
            if self._closing:
                raise EngineError("the model has been unloaded")
            self._known[live.number] = live
            self._inbox.put(live)
        return live.number

    def _live(self, number: int, request: Request, emit: Emit) -> Live:
        """Check the request against the model, which native code would not survive."""
        window = self._spec.window
        texts = [request.tokens] if isinstance(request, SequenceRequest) else request.texts
        if not texts or not all(texts):
            raise EngineError("there is a text without tokens")
        if max(map(len, texts)) > window:
            raise ContextTooLong
        if isinstance(request, EmbedRequest):
            return LiveEmbedding(number, request, emit)
        if self._generator is None:
            raise EngineError("the model makes embeddings and does not generate")
        return LiveSequence(number, request, emit, self._model, window)

    def cancel(self, number: int) -> None:
        """See LoadedModel. A step that serves nobody else is aborted, prompt or not."""
        with self._known_lock:
            live = self._known.get(number)
            if live is None or live.cancelled:
                return
            live.cancelled = True
            if all(other.cancelled for other in self._known.values()):
                self._abort()
        self._inbox.put(None)

    def close(self) -> None:
        """See LoadedModel."""
        with self._known_lock:
            already, self._closing = self._closing, True
            if not already:
                self._inbox.put(_CLOSE)
                self._abort()
        self._thread.join()

    # -- the thread ----------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            self._load()
        except Exception as error:  # noqa: BLE001 - handed to the thread that waits for the load
            self._fault.append(error)
            return
        finally:
            self._ready.set()
        reason: Exception = Cancelled()
        try:
            while self._receive():
                self._step()
        except Exception as error:  # noqa: BLE001 - every sequence is told
            _log.exception("the engine stopped")
            reason = EngineError(f"the engine stopped: {error}")
        finally:
            with self._known_lock:
                self._closing = True
            self._end_all(reason)
            self._free()

    def _load(self) -> None:
        self._model = native.Model(self._spec)
        self._generator: Generator | None = None
        try:
            if self._spec.pooling is None:
                self._generator = Generator(self._model, self._spec, self._forget)
        except Exception:
            self._model.close()
            raise
        self._embeddings = Embeddings(self._model, self._spec, self._forget)
        self.vocabulary = _vocabulary(self._model)

    def _receive(self) -> bool:
        """Take in what has been submitted; sleep while there is nothing to do. False: close."""
        idle = not (self._embeddings.busy or (self._generator and self._generator.busy))
        while idle or not self._inbox.empty():
            if self._closing:
                return False
            message = self._inbox.get()
            idle = False
            if message is _CLOSE:
                return False
            self._take_in(message)
        return True

    def _take_in(self, message: object) -> None:
        if isinstance(message, LiveEmbedding):
            self._embeddings.add(message)
        elif isinstance(message, LiveSequence) and self._generator:
            self._generator.add(message)

    def _step(self) -> None:
        rows = self._spec.batch
        if self._generator and self._generator.busy:
            self._generator.step()
            rows = self._generator.pace
        if self._embeddings.busy:
            self._embeddings.step(rows)

    def _abort(self) -> None:
        self._embeddings.abort()
        if self._generator:
            self._generator.abort()

    def _forget(self, one: Live) -> None:
        with self._known_lock:
            del self._known[one.number]

    def _end_all(self, error: Exception) -> None:
        """Tell everyone that ``error`` happened."""
        while not self._inbox.empty():
            self._take_in(self._inbox.get())
        self._embeddings.end_all(error)
        if self._generator:
            self._generator.end_all(error)

    def _free(self) -> None:
        """Free in the order that native code survives: samplers (done), contexts, model."""
        self._embeddings.close()
        if self._generator:
            self._generator.close()
        self._model.close()


def _vocabulary(model: native.Model) -> Vocabulary:
    def text(token: int) -> str:
        return "" if token < 0 else model.piece(token, special=True).decode("utf-8", "replace")

    return Vocabulary(
        bos=text(model.bos),
        eos=text(model.eos),
        adds_bos=model.adds_bos,
        controls=model.control_texts(),
        infill=model.infill if min(model.infill) >= 0 else None,
        around=_around(model),
    )


def _around(model: native.Model) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """What the tokenizer puts before and after a text, such as [CLS] and [SEP]."""
    bare = model.tokenize("a", add_special=False, parse_special=False)
    whole = model.tokenize("a", add_special=True, parse_special=False)
    for start in range(len(whole) - len(bare) + 1):
        if whole[start : start + len(bare)] == bare:
            return tuple(whole[:start]), tuple(whole[start + len(bare) :])
    return (), ()
