"""How likely a token was, and which others were: from one row of logits."""

import numpy as np
from numpy.typing import NDArray

from .native import Model
from .sequence import TokenLogprob

_LOWEST = -9999.0
"""Said of a token that cannot occur: JSON has no infinity."""


def log_probabilities(
    logits: NDArray[np.float32], token: int, top: int
) -> tuple[float, list[tuple[int, float]]]:
    """Return the log probability of ``token``, and the ``top`` likeliest ids with theirs.

    ``logits`` is one row over the vocabulary and is not changed. The numbers are the model's own,
    before temperature and filters, as Ollama reports them; best first, equal ones by id.
    """
    peak = float(logits.max())
    total = peak + float(np.log(np.exp(logits - peak).sum(dtype=np.float64)))

    def logprob(id: int) -> float:
        return max(float(logits[id]) - total, _LOWEST)

    ordered = _likeliest(logits, top)
    return logprob(token), [(int(id), logprob(id)) for id in ordered]


def _likeliest(logits: NDArray[np.float32], count: int) -> NDArray[np.intp]:
    """Return the ids of the highest logits, best first, equal ones by id."""
    if count < len(logits):
        # A partition cuts among equal values anywhere, so take all that equal the last one in.
        edge = np.partition(logits, len(logits) - count)[len(logits) - count] if count else np.inf
        chosen = np.flatnonzero(logits >= edge)
    else:
        chosen = np.arange(len(logits))
    return chosen[np.lexsort((chosen, -logits[chosen]))][:count]


class HeldLogprobs:
    """The log probabilities of tokens whose text has not been given out yet."""

    def __init__(self, model: Model, top: int) -> None:
        """Note ``top`` alternatives with each token."""
        self._model = model
        self._top = top
        self._held: list[tuple[int, TokenLogprob]] = []
        """Each with the number of bytes before its token."""
        self._num_bytes = 0

    def note(self, logits: NDArray[np.float32], token: int, length: int) -> None:
        """Take the token that was drawn from a row of logits, of so many bytes of the answer."""
        logprob, top = log_probabilities(logits, token, self._top)
        named = tuple((self._model.piece(id, special=True), value) for id, value in top)
        data = self._model.piece(token, special=True)
        self._held.append((self._num_bytes, TokenLogprob(data, logprob, named)))
        self._num_bytes += length

    def release(self, num_held: int) -> tuple[TokenLogprob, ...]:
        """Return those whose text has begun to be given out: all but ``num_held`` bytes have."""
        end = self._num_bytes - num_held
        shown = [one for at, one in self._held if at < end or not num_held]
        del self._held[: len(shown)]
        return tuple(shown)
