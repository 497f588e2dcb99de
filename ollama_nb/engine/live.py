"""A sequence while it is generated: the runner's thread alone touches it, but ``cancelled``."""

import json
import logging
import math
import time

from ollama_nb.errors import EngineError

from .constraint import Constraint
from .detokenize import Detokenizer
from .host import Emit
from .logprobs import HeldLogprobs
from .native import Context, Model, Patch, SamplerChain
from .sampling import chain_steps, is_greedy, penalty_window
from .sequence import DoneReason, Event, Finish, Piece, SequenceRequest, TokenLogprob
from .slots import Slot

MOST_IDENTICAL = 30
"""Tokens in a row, after which an answer ends with "length"."""

_log = logging.getLogger(__name__)


class LiveSequence:
    """A slot of the cache, a sampler chain, and the text on its way out."""

    def __init__(
        self,
        number: int,
        request: SequenceRequest,
        emit: Emit,
        model: Model,
        window: int,
        patches: dict[int, Patch],
    ) -> None:
        """Stand in line with the patches of its images; nothing is taken before ``start``.

        Raises BadRequest for a schema that cannot be obeyed.
        """
        self.number = number
        self.request = request
        self._slot: Slot | None = None
        self.cancelled = False
        self.done_reason: DoneReason = "stop"
        self._emit = emit
        self._model = model
        self.window = window
        self._patches = patches
        self.num_extra = sum(one.num_cells - one.num_positions for one in patches.values())
        """Cells that its images take beyond their positions."""
        self._generated: list[int] = []
        self._num_sampled = 0
        self._chain: SamplerChain | None = None
        self._text = Detokenizer(request.options.stop)
        self._constraint: Constraint | None = None
        if request.schema is not None:
            self._constraint = model.constrain(json.loads(request.schema), request.free)
        top = request.top_logprobs
        self._logprobs = None if top is None else HeldLogprobs(model, top)
        self._num_reused = 0
        self._started_ns = self._first_ns = 0
        self._sample_ns = 0

    @property
    def started(self) -> bool:
        """Whether it has taken a slot."""
        return self._slot is not None

    @property
    def slot(self) -> Slot:
        """The slot that it has taken."""
        assert self._slot is not None
        return self._slot

    def start(self, slot: Slot) -> None:
        """Take a slot, whose tokens are the prompt's, and make the sampler chain."""
        self._slot = slot
        self._num_reused = slot.num_cached
        self._started_ns = time.perf_counter_ns()
        options = self.request.options
        if not is_greedy(options):
            self._chain = SamplerChain(chain_steps(options, self.window), self._model)
            window = penalty_window(options, self.window)
            for token in slot.tokens[-window:] if window else ():
                if token >= 0:
                    self._chain.accept(token)

    @property
    def sees(self) -> bool:
        """Whether there are images in its prompt."""
        return bool(self._patches)

    @property
    def next_patch(self) -> Patch | None:
        """The patches of an image that come next, if they do."""
        return self._patches.get(self.slot.num_cached)

    @property
    def num_pending(self) -> int:
        """How many tokens are to be evaluated before the next image, or the end."""
        start = self.slot.num_cached
        ends = [at for at in self._patches if at >= start]
        return min(ends, default=len(self.slot.tokens)) - start

    def sample(self, context: Context, row: int) -> int | None:
        """Draw the next token from ``row`` and give out its text. None: the sequence has ended.

        Raises EngineError if nothing that the schema allows is left, or there are no numbers.
        """
        before = time.perf_counter_ns()
        self._first_ns = self._first_ns or before
        if self._num_sampled >= self.request.num_predict:
            self.done_reason = "length"
            return None
        token, complete = self._draw(context, row)
        self._sample_ns += time.perf_counter_ns() - before
        self._num_sampled += 1
        self._generated.append(token)
        if self._model.is_end(token):
            return None
        text = self._text.feed(self._piece(token))
        if text:
            self._send(Piece(text, self._told()))
        if self._text.stopped or complete:
            return None
        if self._num_sampled >= self.request.num_predict or self._is_stuck():
            self.done_reason = "length"
            return None
        return token

    def _is_stuck(self) -> bool:
        """Whether the same token has come so often that nothing else will (faults, 5)."""
        last = self._generated[-MOST_IDENTICAL:]
        return len(last) == MOST_IDENTICAL and last.count(last[0]) == MOST_IDENTICAL

    def _draw(self, context: Context, row: int) -> tuple[int, bool]:
        """Return the token, and whether it completes what the schema asks for."""
        own = None
        if self._logprobs is not None:
            own = context.logits(row).copy()  # the model's numbers, before the schema changes them
        if self._constraint is not None:
            self._constraint.restrict(context.logits(row))
        chain = self._chain
        token = context.greedy(row) if chain is None else context.sample(chain, row)
        if not context.logits(row)[token] < math.inf:  # NaN is not less than anything
            raise EngineError("what the model computes are no numbers (NaN)")
        if self._logprobs is not None and own is not None and not self._model.is_end(token):
            self._logprobs.note(own, token, len(self._piece(token)))
        return token, self._constraint is not None and self._constraint.accept(token)

    def finish(self, reason: DoneReason) -> None:
        """Say how it ended; the text that was held back goes with it."""
        self._free()
        now = time.perf_counter_ns()
        first = self._first_ns or now
        text = self._text.flush()
        self._send(
            Finish(
                text=text,
                logprobs=self._told(),
                done_reason=reason,
                stopped_by=self._text.stopped_by,
                tokens=tuple(self._generated),
                prompt_count=len(self.request.tokens) + self.num_extra,
                reused_count=self._num_reused,
                prompt_ns=first - (self._started_ns or now),
                eval_count=self._num_sampled,
                eval_ns=now - first,
                sample_count=self._num_sampled,
                sample_ns=self._sample_ns,
            )
        )

    def fail(self, error: Exception) -> None:
        """End with an error instead."""
        self._free()
        self._send(error)

    def _piece(self, token: int) -> bytes:
        return self._model.piece(token, special=self.request.shows_controls)

    def _told(self) -> tuple[TokenLogprob, ...]:
        """The log probabilities of the text that is given out now; a stop string's are kept."""
        return () if self._logprobs is None else self._logprobs.release(self._text.num_held)

    def _send(self, event: Event | Exception) -> None:
        """A consumer that fails loses its own answer, never the engine's thread."""
        try:
            self._emit(event)
        except Exception:  # noqa: BLE001 - whatever it is, it is the consumer's
            _log.exception("a consumer of the engine failed")
            self.cancelled = True

    def _free(self) -> None:
        if self._chain is not None:
            self._chain.close()
            self._chain = None
