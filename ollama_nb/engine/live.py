"""A sequence while it is generated: the runner's thread alone touches it, but ``cancelled``."""

import logging
import time

from .detokenize import Detokenizer
from .host import Emit
from .native import Context, Model, SamplerChain
from .sampling import chain_steps, is_greedy, penalty_window
from .sequence import DoneReason, Event, Finish, Piece, SequenceRequest

_log = logging.getLogger(__name__)


class LiveSequence:
    """Tokens mirrored with the cache, a sampler chain, and the text on its way out."""

    def __init__(
        self, number: int, request: SequenceRequest, emit: Emit, model: Model, window: int
    ) -> None:
        """Stand in line; nothing native is made before ``start``."""
        self.number = number
        self.slot = -1
        self.cancelled = False
        self.done_reason: DoneReason = "stop"
        self.num_cached = 0
        """How many of the tokens the cache holds."""
        self._request = request
        self._emit = emit
        self._model = model
        self._window = window
        self._tokens = list(request.tokens)
        self._generated: list[int] = []
        self._num_sampled = 0
        self._chain: SamplerChain | None = None
        self._text = Detokenizer(request.options.stop)
        self._started_ns = self._first_ns = 0
        self._sample_ns = 0

    def start(self, slot: int) -> None:
        """Take a slot of the cache and make the sampler chain."""
        self.slot = slot
        self._started_ns = time.perf_counter_ns()
        options = self._request.options
        if not is_greedy(options):
            self._chain = SamplerChain(chain_steps(options, self._window), self._model)
            window = penalty_window(options, self._window)
            for token in self._tokens[-window:] if window else ():
                self._chain.accept(token)

    @property
    def num_pending(self) -> int:
        """Tokens that are not in the cache yet."""
        return len(self._tokens) - self.num_cached

    def pending(self, count: int) -> list[int]:
        """The next ``count`` of them."""
        return self._tokens[self.num_cached : self.num_cached + count]

    def decoded(self, count: int) -> None:
        """Note that the cache has taken ``count`` more."""
        self.num_cached += count

    @property
    def full(self) -> bool:
        """Whether the window has no position left for the next token."""
        return self.num_cached >= self._window

    def make_room(self, context: Context) -> bool:
        """Drop half of what follows the kept tokens, if the request and the model allow it."""
        if not (self._request.shift and context.can_shift):
            return False
        keep = min(self._request.num_keep, self._window - 2)
        discard = max((self.num_cached - keep) // 2, 1)
        context.shift(self.slot, keep, discard)
        del self._tokens[keep : keep + discard]
        self.num_cached -= discard
        return True

    def sample(self, context: Context, row: int) -> bool:
        """Draw the next token from ``row`` and give out its text. True: the sequence has ended."""
        before = time.perf_counter_ns()
        self._first_ns = self._first_ns or before
        if self._num_sampled >= self._request.num_predict:
            self.done_reason = "length"
            return True
        chain = self._chain
        token = context.greedy(row) if chain is None else context.sample(chain, row)
        self._sample_ns += time.perf_counter_ns() - before
        self._num_sampled += 1
        self._generated.append(token)
        if self._model.is_end(token):
            return True
        text = self._text.feed(self._model.piece(token))
        if text:
            self._send(Piece(text))
        if self._text.stopped:
            return True
        if self._num_sampled >= self._request.num_predict:
            self.done_reason = "length"
            return True
        self._tokens.append(token)
        return False

    def finish(self, reason: DoneReason) -> None:
        """Say how it ended; the text that was held back goes with it."""
        self._free()
        now = time.perf_counter_ns()
        first = self._first_ns or now
        self._send(
            Finish(
                text=self._text.flush(),
                done_reason=reason,
                tokens=tuple(self._generated),
                prompt_count=len(self._request.tokens),
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
