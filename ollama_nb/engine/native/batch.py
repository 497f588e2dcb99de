"""What a decode step works on."""

import ctypes
from collections.abc import Sequence

import numpy as np

from ollama_nb.errors import EngineError

from .library import lib


class Batch:
    """Rows for one decode step, over numpy arrays that are wired to the native struct once."""

    def __init__(self, capacity: int) -> None:
        """Make room for ``capacity`` rows."""
        self.capacity = capacity
        self.size = 0
        self._tokens = np.zeros(capacity, np.int32)
        self._positions = np.zeros(capacity, np.int32)
        self._sequences = np.zeros(capacity, np.int32)
        self._outputs = np.zeros(capacity, np.int8)
        self._counts = np.ones(capacity, np.int32)
        start = self._sequences.ctypes.data
        self._sequence_pointers = (ctypes.POINTER(lib.llama_seq_id) * capacity)(
            *(
                ctypes.cast(start + 4 * row, ctypes.POINTER(lib.llama_seq_id))
                for row in range(capacity)
            )
        )
        self.struct = lib.llama_batch(
            n_tokens=0,
            token=self._tokens.ctypes.data_as(ctypes.POINTER(lib.llama_token)),
            pos=self._positions.ctypes.data_as(ctypes.POINTER(lib.llama_pos)),
            n_seq_id=self._counts.ctypes.data_as(ctypes.POINTER(ctypes.c_int32)),
            seq_id=ctypes.cast(
                self._sequence_pointers, ctypes.POINTER(ctypes.POINTER(lib.llama_seq_id))
            ),
            logits=self._outputs.ctypes.data_as(ctypes.POINTER(ctypes.c_int8)),
        )

    def clear(self) -> None:
        """Drop all rows."""
        self.size = 0

    def add(self, sequence: int, tokens: Sequence[int], position: int, *, output: bool) -> int:
        """Append ``tokens`` of a sequence from ``position`` on; the last one asks for logits.

        Returns that row's index. More rows than the capacity kill the process, so they raise.
        """
        start, end = self.size, self.size + len(tokens)
        if end == start:
            raise EngineError("a batch cannot take no tokens")
        if end > self.capacity:
            raise EngineError("batch is larger than its capacity")
        if end - start == 1:  # a token being generated: element stores cost a fifth of slices
            self._tokens[start] = tokens[0]
            self._positions[start] = position
            self._sequences[start] = sequence
        else:
            self._tokens[start:end] = tokens
            self._positions[start:end] = np.arange(position, position + len(tokens))
            self._sequences[start:end] = sequence
            self._outputs[start:end] = 0
        self._outputs[end - 1] = output
        self.size = self.struct.n_tokens = end
        return end - 1
