"""One loaded model: a thread that owns it, a queue into it, and one visible loop.

The thread named ``ollama-nb-runner`` is the only one that decodes. Others submit, cancel and read
the vocabulary. Each turn of the loop is one ``llama_decode`` over a batch that all live sequences
share: a row for each that generates, and prompt rows up to the batch's size.
"""

import logging
import os
import threading
from collections import deque
from queue import SimpleQueue

from ollama_nb.errors import Cancelled, ContextTooLong, EngineError

from . import native
from .batching import plan_step
from .host import Emit, Vocabulary
from .live import LiveSequence
from .sequence import DoneReason, SequenceRequest
from .spec import LoadSpec

_log = logging.getLogger(__name__)
_CLOSE = object()


class Runner:
    """A LoadedModel on a thread of this process."""

    vocabulary: Vocabulary

    def __init__(self, spec: LoadSpec) -> None:
        """Load the model on its own thread and wait. Raises LoadFailed or EngineError."""
        self._spec = spec
        self._pid = os.getpid()
        self._inbox: SimpleQueue[LiveSequence | object] = SimpleQueue()
        self._waiting: deque[LiveSequence] = deque()
        self._live: dict[int, LiveSequence] = {}
        """Sequences by slot, oldest first."""
        self._free_slots = list(range(spec.num_sequences))
        self._known: dict[int, LiveSequence] = {}
        self._known_lock = threading.Lock()
        self._numbers = 0
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

    def submit(self, request: SequenceRequest, emit: Emit) -> int:
        """See LoadedModel. Raises EngineError after close and in a forked child."""
        if os.getpid() != self._pid:
            raise EngineError("the engine does not survive a fork; start a new process")
        if not request.tokens:
            raise EngineError("the prompt has no tokens")
        if len(request.tokens) > self._spec.window:
            raise ContextTooLong
        with self._known_lock:
            if self._closing:
                raise EngineError("the model has been unloaded")
            self._numbers += 1
            number = self._numbers
            sequence = LiveSequence(number, request, emit, self._model, self._spec.window)
            self._known[number] = sequence
            self._inbox.put(sequence)
        return number

    def cancel(self, number: int) -> None:
        """See LoadedModel. A step that serves nobody else is aborted, prompt or not."""
        with self._known_lock:
            sequence = self._known.get(number)
            if sequence is None or sequence.cancelled:
                return
            sequence.cancelled = True
            if all(other.cancelled for other in self._known.values()):
                self._context.abort()
        self._inbox.put(None)

    def close(self) -> None:
        """See LoadedModel."""
        with self._known_lock:
            already, self._closing = self._closing, True
            if not already:
                self._inbox.put(_CLOSE)
                self._context.abort()
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
        try:
            self._context = native.Context(self._model, self._spec)
        except Exception:
            self._model.close()
            raise
        self._batch = native.Batch(self._spec.batch)
        self.vocabulary = _vocabulary(self._model)

    def _receive(self) -> bool:
        """Take in what has been submitted; sleep while there is nothing to do. False: close."""
        idle = not (self._live or self._waiting)
        while idle or not self._inbox.empty():
            message = self._inbox.get()
            idle = False
            if message is _CLOSE:
                return False
            if isinstance(message, LiveSequence):
                self._waiting.append(message)
        if self._waiting:
            self._admit()
        return True

    def _admit(self) -> None:
        """Give free slots to those who wait, in order of arrival; drop the cancelled ones."""
        for sequence in [one for one in self._waiting if one.cancelled]:
            self._waiting.remove(sequence)
            self._end(sequence, "cancelled")
        while self._waiting and self._free_slots:
            sequence = self._waiting.popleft()
            sequence.start(self._free_slots.pop())
            self._live[sequence.slot] = sequence

    def _step(self) -> None:
        """Decode once for every live sequence that has tokens pending, then sample."""
        for sequence in list(self._live.values()):
            if sequence.cancelled:
                self._end(sequence, "cancelled")
            elif sequence.full and not sequence.make_room(self._context):
                self._end(sequence, "length")
        outputs = self._fill_batch()
        if not outputs and not self._batch.size:
            return
        try:
            result = self._decode()
        except EngineError as error:
            self._end_all(error)
            return
        if result != native.OK:
            self._resynchronise()
            return
        for sequence, count, row in outputs:
            sequence.decoded(count)
            if row is not None and sequence.sample(self._context, row):
                self._end(sequence, sequence.done_reason)

    def _fill_batch(self) -> list[tuple[LiveSequence, int, int | None]]:
        """Lay out the step: (sequence, its rows, the row that yields logits if any)."""
        self._batch.clear()
        outputs: list[tuple[LiveSequence, int, int | None]] = []
        pending = ((slot, sequence.num_pending) for slot, sequence in self._live.items())
        for slot, count in plan_step(pending, self._batch.capacity):
            sequence = self._live[slot]
            last = count == sequence.num_pending
            tokens = sequence.pending(count)
            row = self._batch.add(slot, tokens, sequence.num_cached, output=last)
            outputs.append((sequence, count, row if last else None))
        return outputs

    def _decode(self) -> int:
        result = self._context.decode(self._batch, prompts=self._batch.size > len(self._live))
        if result == native.CACHE_FULL:
            # Windows are separate and bounded by ``full``: this is a bug, and looping would hang.
            raise EngineError("the context is full")
        return result

    def _resynchronise(self) -> None:
        """After an abort: go on from what the cache really holds."""
        self._context.resume()
        for slot, sequence in self._live.items():
            sequence.num_cached = self._context.length(slot)

    def _end(self, sequence: LiveSequence, reason: DoneReason) -> None:
        if sequence.slot >= 0:
            del self._live[sequence.slot]
            self._context.forget(sequence.slot)
            self._free_slots.append(sequence.slot)
        with self._known_lock:
            del self._known[sequence.number]
        sequence.finish(reason)

    def _end_all(self, error: Exception) -> None:
        """Tell everyone that ``error`` happened and start again with an empty cache."""
        while not self._inbox.empty():
            message = self._inbox.get()
            if isinstance(message, LiveSequence):
                self._waiting.append(message)
        for sequence in [*self._live.values(), *self._waiting]:
            sequence.fail(error)
            if sequence.slot >= 0:
                self._context.forget(sequence.slot)
                self._free_slots.append(sequence.slot)
        self._live.clear()
        self._waiting.clear()
        with self._known_lock:
            self._known.clear()

    def _free(self) -> None:
        """Free in the order that native code survives: samplers (done), context, model."""
        self._context.close()
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
    )
