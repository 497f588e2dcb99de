"""Log probabilities as the wire names them (reference: Ollama API, 8.4)."""

from collections.abc import Sequence

from ollama_nb.engine.sequence import TokenLogprob
from ollama_nb.wire import Logprob


def named_logprobs(entries: Sequence[TokenLogprob]) -> list[Logprob]:
    """Give the tokens their texts."""
    return [_logprob(entry) for entry in entries]


def _logprob(entry: TokenLogprob) -> Logprob:
    chosen = _named(entry.data, entry.logprob)
    chosen.top_logprobs = [_named(*one) for one in entry.top]
    return chosen


def _named(data: bytes, logprob: float) -> Logprob:
    return Logprob(token=data.decode("utf-8", "replace"), logprob=logprob, bytes=list(data))
