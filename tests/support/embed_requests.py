"""A request for vectors to a loaded model, without the service above it."""

import itertools
import queue

import numpy as np

from ollama_nb.engine.sequence import EmbedRequest

_arrivals = itertools.count()


class Embedding:
    """One submitted request."""

    def __init__(self, runner, texts, **fields):
        self.runner = runner
        self.events = queue.SimpleQueue()
        request = EmbedRequest(texts=tuple(map(tuple, texts)), **fields)
        self.number = runner.submit(request, self._take)

    def _take(self, event):
        self.arrived = next(_arrivals)
        """The number of its newest event among those of all requests."""
        self.events.put(event)

    def finish(self):
        """The vectors, a row for each text."""
        event = self.events.get(timeout=180)
        if isinstance(event, Exception):
            raise event
        assert event.done
        self.num_tokens = event.num_tokens
        return np.frombuffer(event.data, "<f4").reshape(-1, event.width)

    def cancel(self):
        self.runner.cancel(self.number)


def tokens(number, length, vocabulary=4000):
    """A text that no other number has."""
    return [5 + (number * 31 + place * 7) % vocabulary for place in range(length)]
