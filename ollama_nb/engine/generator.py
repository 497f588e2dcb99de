"""Generation: the step loop's body, one ``llama_decode`` over a batch that live sequences share.

Runs on the runner's thread. Who gets in is decided in ``line.py``, where and with what already
cached in ``slots.py``, who takes part in a step in ``batching.py``.
"""

import time
from collections.abc import Callable

from ollama_nb.errors import EngineError

from . import native
from .batching import Pending, PromptPace, Share, num_prompt_rows, plan_step
from .line import FairLine
from .live import LiveSequence
from .sequence import DoneReason
from .slots import SlotTable
from .spec import LoadSpec


class Generator:
    """The sequences of one model: those that wait, and those that are in its cache."""

    def __init__(
        self, model: native.Model, spec: LoadSpec, forget: Callable[[LiveSequence], None]
    ) -> None:
        """Make the cache; ``forget`` is called for each sequence that ends. Raises EngineError."""
        self._spec = spec
        self._forget = forget
        self._context = native.Context(model, spec)
        self._batch = native.Batch(spec.batch)
        self._line: FairLine[LiveSequence] = FairLine()
        self._live: dict[int, LiveSequence] = {}
        """Sequences by the number of their slot, oldest first."""
        self._slots = SlotTable(spec.num_sequences, isolated=spec.isolated)
        self._pace = PromptPace(spec.step_ns)
        self._num_steps = 0

    @property
    def busy(self) -> bool:
        """Whether there is anything to do."""
        return bool(self._live or self._line)

    @property
    def pace(self) -> int:
        """How many rows other work may take while answers are under way."""
        return self._pace.rows

    def add(self, sequence: LiveSequence) -> None:
        """Take a sequence in; it waits until a slot is free."""
        self._line.add(sequence, sequence.request.owner)

    def abort(self) -> None:
        """Stop the step under way. Callable from any thread."""
        self._context.abort()

    def step(self) -> None:
        """Decode once for live sequences that have tokens pending, then sample."""
        if self._line:
            self._admit()
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

    def end_all(self, error: Exception) -> None:
        """Tell everyone that ``error`` happened and start again with an empty cache."""
        for sequence in [*self._live.values(), *self._line.remove(lambda _: True)]:
            self._forget(sequence)
            sequence.fail(error)
        self._live.clear()
        self._slots = SlotTable(self._spec.num_sequences, isolated=self._spec.isolated)
        for number in range(self._spec.num_sequences):
            self._context.cut(number, 0)

    def close(self) -> None:
        """Free the cache; before the Model's own close."""
        self._context.close()

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
            self.end_all(error)
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
        """Take back its slot and forget it."""
        if sequence.started:
            del self._live[sequence.slot.number]
            self._slots.leave(sequence.slot)
        self._forget(sequence)
