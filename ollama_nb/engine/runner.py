"""One loaded model: a thread that owns it, a queue into it, and one visible loop.

The thread named ``ollama-nb-runner`` is the only one that decodes. Others submit, cancel and read
the vocabulary. Each turn of the loop is one ``llama_decode`` over a batch that the live sequences
share, and one call for texts to embed. Who gets in is decided in ``line.py``, where and with what
already cached in ``slots.py`` (done in ``cache.py``), who takes part in a step in ``batching.py``.
"""

import itertools
import logging
import os
import threading
import time
from collections.abc import Sequence
from queue import SimpleQueue

from msgspec.structs import replace

from ollama_nb.errors import BadRequest, Cancelled, ContextTooLong, EngineError

from . import native
from .batching import Pending, Share, num_prompt_rows, plan_step
from .cache import Cache
from .embedding import Embeddings, LiveEmbedding
from .host import Emit, Vocabulary, check_not_forked
from .line import FairLine
from .live import LiveSequence
from .pictures import find_patches
from .sequence import DoneReason, EmbedRequest, Picture, Request, SequenceRequest
from .spec import LoadSpec
from .tempo import Tempo
from .tokenizer import Tokenizer

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
        self._line: FairLine[LiveSequence] = FairLine()
        self._live: dict[int, LiveSequence] = {}
        """Sequences by the number of their slot, oldest first."""
        self._tempo = Tempo(spec)
        self._num_steps = 0
        self._known: dict[int, Live] = {}
        self._known_lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._closing = False
        self._ready = threading.Event()
        self._fault: list[Exception] = []
        self._thread = threading.Thread(target=self._run, name="ollama-nb-runner", daemon=True)
        try:
            self._thread.start()
            self._ready.wait()
        except BaseException:  # an interrupt: nobody will own what is being loaded
            self._inbox.put(_CLOSE)
            raise
        if self._fault:
            self._thread.join()
            raise self._fault[0]

    # -- for other threads ---------------------------------------------------------------------

    def tokenize(self, parts: Sequence[str | Picture], *, start: bool) -> list[int]:
        """See LoadedModel."""
        return self._tokenizer.tokenize(parts, start=start)

    def detokenize(self, tokens: list[int]) -> str:
        """See LoadedModel."""
        return self._tokenizer.detokenize(tokens)

    @property
    def alive(self) -> bool:
        """See LoadedModel."""
        return not self._closing

    def submit(self, request: Request, emit: Emit) -> int:
        """See LoadedModel. Raises EngineError after close and in a forked child; BadRequest."""
        check_not_forked(self._pid)
        live = self._made(next(self._numbers), request, emit)
        with self._known_lock:
            if self._closing:
                raise EngineError("the model has been unloaded")
            self._known[live.number] = live
            self._inbox.put(live)
        return live.number

    def _made(self, number: int, request: Request, emit: Emit) -> Live:
        """Check the request against the model, which native code would not survive."""
        texts = [request.tokens] if isinstance(request, SequenceRequest) else request.texts
        if not texts or not all(texts):
            raise EngineError("a prompt or text has no tokens")
        if max(map(len, texts)) > self._spec.window:
            raise ContextTooLong
        if (highest := max(map(max, texts))) >= self._model.num_vocab:
            raise BadRequest(f"token {highest} is outside the model's vocabulary")
        if isinstance(request, EmbedRequest):
            if (lowest := min(map(min, texts))) < 0:
                raise BadRequest(f"token {lowest} is outside the model's vocabulary")
            return LiveEmbedding(number, request, emit)
        if not self._generates:
            raise EngineError("the model makes embeddings and does not generate")
        if request.tokens[-1] < 0:
            raise BadRequest("the prompt ends with an image; write something after it")
        if request.options.repeatable and self._spec.unified:  # where its cells lie changes sums
            raise BadRequest("repeatable answers need OLLAMA_NB_UNIFIED_CACHE to be off")
        patches = find_patches(request.tokens, self._tokenizer.patches(request.images))
        request = replace(request, images=())  # 120 MB may wait in line otherwise
        window = min(request.window or self._spec.window, self._spec.window)
        live = LiveSequence(number, request, emit, self._model, window, patches)
        if len(request.tokens) + live.num_extra > window:
            raise ContextTooLong
        return live

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
                self._embed()
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
        self._projector: native.Projector | None = None
        try:
            if self._spec.projector:
                self._projector = native.Projector(self._model, self._spec)
            if self._generates:
                self._context = native.Context(self._model, self._spec)
                self._cache = Cache(self._context, self._spec)
        except Exception:
            if self._projector:
                self._projector.close()
            self._model.close()
            raise
        self._batch = native.Batch(self._spec.batch)
        self._embeddings = Embeddings(self._model, self._spec, self._forget)
        self._tokenizer = Tokenizer(self._model, self._projector)
        self.vocabulary = self._tokenizer.vocabulary

    @property
    def _generates(self) -> bool:
        """Whether there is a context for sequences; a model made for embeddings has none."""
        return self._spec.pooling is None

    def _receive(self) -> bool:
        """Take in what has been submitted; sleep while there is nothing to do. False: close."""
        idle = not (self._live or self._line or self._embeddings.busy)
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
        elif isinstance(message, LiveSequence):
            self._line.add(message, message.request.owner)

    def _step(self) -> None:
        """Decode once for live sequences that have tokens pending, then sample."""
        if self._line:
            self._admit()
        for sequence in list(self._live.values()):
            if sequence.cancelled:
                self._end(sequence, "cancelled")
            elif self._is_full(sequence):
                self._end(sequence, "length")
        self._look()
        pending = [
            Pending(number, one.num_pending, one.request.options.repeatable)
            for number, one in self._live.items()
        ]
        shares = plan_step(pending, self._batch.capacity, self._tempo.rows, self._num_steps)
        if not shares:
            return
        self._num_steps += 1
        rows = self._fill_batch(shares)
        if not self._decode(shares):
            return
        for share, row in zip(shares, rows, strict=True):
            sequence = self._live[share.slot]
            sequence.slot.num_cached += share.rows
            if row is not None:
                self._sample(sequence, row)

    def _admit(self) -> None:
        """Give idle slots to those whose turn it is; drop the cancelled ones."""
        for sequence in self._line.remove(lambda one: one.cancelled):
            self._end(sequence, "cancelled")
        while self._cache.has_idle() and self._line.take(self._place):
            pass

    def _place(self, sequence: LiveSequence) -> bool:
        """Start a sequence in a slot. False: later."""
        slot = self._cache.place(sequence.request)
        if slot is None:
            return False
        sequence.start(slot)
        self._live[slot.number] = sequence
        return True

    def _is_full(self, sequence: LiveSequence) -> bool:
        """Whether its window is full and stays so."""
        slot = sequence.slot
        if slot.num_cached + sequence.num_extra < sequence.window:
            return False
        if sequence.sees:  # half of an image means nothing
            return True
        return not self._cache.make_room(slot, sequence.request, sequence.window)

    def _look(self) -> None:
        """Evaluate one image, if a sequence has come to it: nothing else runs meanwhile."""
        for sequence in self._live.values():
            patch = sequence.next_patch
            if patch is None or self._projector is None:
                continue
            slot = sequence.slot
            try:
                result = self._projector.decode(self._context, patch, slot.number, slot.num_cached)
            except EngineError as error:
                self._release(sequence)
                sequence.fail(error)
                return
            if result == native.OK:
                slot.num_cached += patch.num_positions
            else:
                self._cache.retreat(slot)
            return

    def _embed(self) -> None:
        """Embed waiting texts; as many as answers under way, if there are any, can wait for."""
        if self._embeddings.busy:
            most = self._batch.capacity
            self._embeddings.step(min(self._tempo.rows, most) if self._live else most)

    def _fill_batch(self, shares: list[Share]) -> list[int | None]:
        """Lay out the step; return for each share the row that yields logits, if any."""
        self._batch.clear()
        rows: list[int | None] = []
        for share in shares:
            slot = self._live[share.slot].slot
            end = slot.num_cached + share.rows
            last = end == len(slot.tokens)
            tokens = slot.tokens[slot.num_cached : end]
            row = self._batch.add(slot.number, tokens, slot.num_cached, output=last)
            rows.append(row if last else None)
        return rows

    def _decode(self, shares: list[Share]) -> bool:
        """Run the step. False: it did not happen, and everything stands as the cache does."""
        rows = self._batch.size, num_prompt_rows(shares)
        exact = self._live[shares[0].slot].request.options.repeatable
        threads = self._tempo.threads(rows[1], exact=exact)
        begun = time.perf_counter_ns()
        try:
            result = self._context.decode(self._batch, threads)
            if result == native.CACHE_FULL:
                # There is room for all windows: this is a bug, and looping would hang.
                raise EngineError("the context is full")
        except EngineError as error:
            self._end_all(error)
            return False
        if result != native.OK:
            self._cache.resynchronise(one.slot for one in self._live.values())
            return False
        depth = max(self._live[share.slot].slot.num_cached for share in shares)
        self._tempo.note(rows, depth, time.perf_counter_ns() - begun, exact=exact)
        return True

    def _sample(self, sequence: LiveSequence, row: int) -> None:
        try:
            token = sequence.sample(self._context, row)
        except Exception as error:  # noqa: BLE001 - whatever it is, the others go on
            self._release(sequence)
            sequence.fail(error)
            return
        if token is None:
            self._end(sequence, sequence.done_reason)
        else:
            sequence.slot.tokens.append(token)

    def _end(self, sequence: LiveSequence, reason: DoneReason) -> None:
        self._release(sequence)
        sequence.finish(reason)

    def _release(self, sequence: LiveSequence) -> None:
        """Take back its slot and forget it."""
        if sequence.started:
            del self._live[sequence.slot.number]
            self._cache.leave(sequence.slot)
        self._forget(sequence)

    def _forget(self, one: Live) -> None:
        with self._known_lock:
            del self._known[one.number]

    def _abort(self) -> None:
        """Stop the native call under way."""
        self._embeddings.abort()
        if self._generates:
            self._context.abort()

    def _end_all(self, error: Exception) -> None:
        """Tell everyone that ``error`` happened and start again with an empty cache."""
        while not self._inbox.empty():
            self._take_in(self._inbox.get())
        self._embeddings.end_all(error)
        for sequence in [*self._live.values(), *self._line.remove(lambda _: True)]:
            self._forget(sequence)
            sequence.fail(error)
        self._live.clear()
        if self._generates:
            self._cache.clear()

    def _free(self) -> None:
        """Free in the order that native code survives: samplers (done), contexts, model."""
        self._embeddings.close()
        if self._generates:
            self._context.close()
        if self._projector:
            self._projector.close()
        self._model.close()
