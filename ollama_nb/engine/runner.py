"""One loaded model: a thread that owns it, a queue into it, and one visible loop.

The thread named ``ollama-nb-runner`` is the only one that decodes. Others submit, cancel and read
the vocabulary. Each turn of the loop is one ``llama_decode`` over a batch that the live sequences
share. Who gets in is decided in ``line.py``, where and with what already cached in ``slots.py``,
who takes part in a step in ``batching.py``.
"""

import itertools
import logging
import os
import threading
import time
from queue import SimpleQueue

from ollama_nb.errors import Cancelled, ContextTooLong, EngineError

from . import native
from .batching import Pending, PromptPace, Share, num_prompt_rows, plan_step
from .host import Emit, Vocabulary, check_not_forked
from .line import FairLine
from .live import LiveSequence
from .sequence import DoneReason, SequenceRequest
from .slots import SlotTable
from .spec import LoadSpec

_log = logging.getLogger(__name__)
_CLOSE = object()


class Runner:
    """A LoadedModel on a thread of this process."""

    vocabulary: Vocabulary

    def __init__(self, spec: LoadSpec) -> None:
        """Load the model on its own thread and wait. Raises LoadFailed or EngineError."""
        if spec.num_sequences < 1:
            raise EngineError("a model needs room for one sequence at least")
        self._spec = spec
        self._pid = os.getpid()
        self._inbox: SimpleQueue[LiveSequence | object] = SimpleQueue()
        self._line: FairLine[LiveSequence] = FairLine()
        self._live: dict[int, LiveSequence] = {}
        """Sequences by the number of their slot, oldest first."""
        self._slots = SlotTable(spec.num_sequences, isolated=spec.isolated)
        self._pace = PromptPace(spec.step_ns)
        self._num_steps = 0
        self._known: dict[int, LiveSequence] = {}
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

    def submit(self, request: SequenceRequest, emit: Emit) -> int:
        """See LoadedModel. Raises EngineError after close and in a forked child; BadRequest."""
        check_not_forked(self._pid)
        if not request.tokens:
            raise EngineError("the prompt has no tokens")
        if len(request.tokens) > self._spec.window:
            raise ContextTooLong
        number = next(self._numbers)
        sequence = LiveSequence(number, request, emit, self._model, self._spec.window)
        with self._known_lock:
            if self._closing:
                raise EngineError("the model has been unloaded")
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
        idle = not (self._live or self._line)
        while idle or not self._inbox.empty():
            if self._closing:
                return False
            message = self._inbox.get()
            idle = False
            if message is _CLOSE:
                return False
            if isinstance(message, LiveSequence):
                self._line.add(message, message.request.owner)
        if self._line:
            self._admit()
        return True

    def _admit(self) -> None:
        """Give idle slots to those whose turn it is; drop the cancelled ones."""
        for sequence in self._line.remove(lambda one: one.cancelled):
            self._end(sequence, "cancelled")
        while self._slots.has_idle() and self._line.take(self._place):
            pass

    def _place(self, sequence: LiveSequence) -> bool:
        """Start a sequence in a slot, with what the cache already holds of it. False: later."""
        request = sequence.request
        tokens = list(request.tokens)
        placement = self._slots.place(tokens, request.owner, fresh=request.options.repeatable)
        if placement is None:
            return False
        if placement.source is not placement.slot and placement.num_reused:
            self._context.copy(placement.source.number, placement.slot.number)
        held = self._context.cut(placement.slot.number, placement.num_reused)
        slot = self._slots.take(placement._replace(num_reused=held), tokens, request.owner)
        sequence.start(slot)
        self._live[slot.number] = sequence
        return True

    def _step(self) -> None:
        """Decode once for live sequences that have tokens pending, then sample."""
        for sequence in list(self._live.values()):
            slot = sequence.slot
            if sequence.cancelled:
                self._end(sequence, "cancelled")
            elif slot.num_cached >= self._spec.window and not self._make_room(sequence):
                self._end(sequence, "length")
        pending = [
            Pending(
                number, len(one.slot.tokens) - one.slot.num_cached, one.request.options.repeatable
            )
            for number, one in self._live.items()
        ]
        shares = plan_step(pending, self._batch.capacity, self._pace.rows, self._num_steps)
        if not shares:
            return
        self._num_steps += 1
        rows = self._fill_batch(shares)
        if not self._decode(num_prompt_rows(shares)):
            return
        for share, row in zip(shares, rows, strict=True):
            sequence = self._live[share.slot]
            sequence.slot.num_cached += share.rows
            if row is not None:
                self._sample(sequence, row)

    def _make_room(self, sequence: LiveSequence) -> bool:
        """Drop half of what follows the kept tokens, if the request and the model allow it."""
        request, slot = sequence.request, sequence.slot
        if not (request.shift and self._context.can_shift):
            return False
        keep = min(request.num_keep, self._spec.window - 2)
        discard = max((slot.num_cached - keep) // 2, 1)
        self._context.shift(slot.number, keep, discard)
        slot.slide(keep, discard)
        return True

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

    def _decode(self, num_prompt_rows: int) -> bool:
        """Run the step. False: it did not happen, and everything stands as the cache does."""
        before = time.perf_counter_ns()
        try:
            result = self._context.decode(self._batch, prompts=num_prompt_rows > 0)
            if result == native.CACHE_FULL:
                # Windows are separate and never overrun: this is a bug, and looping would hang.
                raise EngineError("the context is full")
        except EngineError as error:
            self._end_all(error)
            return False
        if result != native.OK:
            self._resynchronise()
            return False
        if 2 * num_prompt_rows > self._batch.size:
            self._pace.note(self._batch.size, time.perf_counter_ns() - before)
        return True

    def _sample(self, sequence: LiveSequence, row: int) -> None:
        try:
            token = sequence.sample(self._context, row)
        except EngineError as error:
            self._release(sequence)
            sequence.fail(error)
            return
        if token is None:
            self._end(sequence, sequence.done_reason)
        else:
            sequence.slot.tokens.append(token)

    def _resynchronise(self) -> None:
        """After an abort: go on from what the cache really holds."""
        self._context.resume()
        for number, sequence in self._live.items():
            sequence.slot.num_cached = self._context.length(number)

    def _end(self, sequence: LiveSequence, reason: DoneReason) -> None:
        self._release(sequence)
        sequence.finish(reason)

    def _release(self, sequence: LiveSequence) -> None:
        """Take back its slot and forget its number."""
        if sequence.started:
            del self._live[sequence.slot.number]
            self._slots.leave(sequence.slot)
        with self._known_lock:
            del self._known[sequence.number]

    def _end_all(self, error: Exception) -> None:
        """Tell everyone that ``error`` happened and start again with an empty cache."""
        while not self._inbox.empty():
            message = self._inbox.get()
            if isinstance(message, LiveSequence):
                self._line.add(message, message.request.owner)
        for sequence in [*self._live.values(), *self._line.remove(lambda _: True)]:
            sequence.fail(error)
        self._live.clear()
        self._slots = SlotTable(self._spec.num_sequences, isolated=self._spec.isolated)
        for number in range(self._spec.num_sequences):
            self._context.cut(number, 0)
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
