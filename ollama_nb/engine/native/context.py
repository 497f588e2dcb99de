"""A KV cache, and the decoding that fills it."""

import ctypes
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ollama_nb.engine.spec import LoadSpec
from ollama_nb.errors import EngineError

from .batch import Batch
from .computing import Computing
from .library import lib, supports_gpu
from .model import Model
from .sampler import SamplerChain

_MANY = 8
"""Sequences."""


class Context(Computing):
    """A KV cache of several sequences over one Model, and the decoding that fills it."""

    def __init__(self, model: Model, spec: LoadSpec) -> None:
        """Allocate caches for ``spec.num_sequences`` windows. Raises EngineError."""
        params = lib.llama_context_default_params()
        params.n_ctx = spec.window * spec.num_sequences
        params.n_batch = params.n_ubatch = spec.batch
        params.n_seq_max = spec.num_sequences
        # Only rows that sample have logits: a tenth of the compute buffer otherwise needed.
        params.n_outputs_max = spec.num_sequences
        params.n_threads = params.n_threads_batch = spec.threads[0]
        params.kv_unified = spec.unified
        params.flash_attn_type = _flash_attention(spec)
        params.type_k = params.type_v = getattr(lib, f"GGML_TYPE_{spec.cache_type.upper()}")
        params.rope_freq_base = spec.rope_base
        params.rope_freq_scale = spec.rope_scale
        super().__init__(model, params)
        self._num_vocab = model.num_vocab
        self._views: dict[int, NDArray[np.float32]] = {}
        self.can_shift: bool = lib.llama_memory_can_shift(self._memory)

    def decode(self, batch: Batch, threads: int) -> int:
        """Run one step: OK, CACHE_FULL (cache as before) or ABORTED. Raises EngineError."""
        self.use_threads(threads)
        return self.checked(lib.llama_decode(self._context, batch.struct))

    @property
    def handle(self) -> Any:
        """The native pointer, for Projector alone."""
        return self._context

    def logits(self, row: int) -> NDArray[np.float32]:
        """An output row over the vocabulary: llama.cpp's own memory, valid until the next step."""
        logits = lib.llama_get_logits_ith(self._context, row)
        address = ctypes.cast(logits, ctypes.c_void_p).value
        if address is None:
            raise EngineError(f"row {row} has no logits")
        view = self._views.get(address)
        if view is None:
            view = np.ctypeslib.as_array(logits, (self._num_vocab,))
            self._views[address] = view
        return view

    def greedy(self, row: int) -> int:
        """The likeliest token of an output row."""
        return int(self.logits(row).argmax())

    def sample(self, chain: SamplerChain, row: int) -> int:
        """Draw a token from an output row and let the chain remember it."""
        return int(lib.llama_sampler_sample(chain.handle, self._context, row))

    def length(self, sequence: int) -> int:
        """How many positions of a sequence are cached."""
        return int(lib.llama_memory_seq_pos_max(self._memory, sequence)) + 1

    def cut(self, sequence: int, length: int) -> int:
        """Keep the first ``length`` positions of a sequence; return how many could be kept.

        Recurrent models, and windowed ones whose beginning is gone, keep all or nothing.
        """
        if length and lib.llama_memory_seq_pos_min(self._memory, sequence) == 0:
            held = self.length(sequence)
            if held == length or (
                held > length and lib.llama_memory_seq_rm(self._memory, sequence, length, -1)
            ):
                return length
        lib.llama_memory_seq_rm(self._memory, sequence, -1, -1)
        return 0

    def copy(self, source: int, target: int) -> None:
        """Let a sequence hold what another one holds, all of it: a part ends the process."""
        lib.llama_memory_seq_rm(self._memory, target, -1, -1)
        lib.llama_memory_seq_cp(self._memory, source, target, -1, -1)

    def shift(self, sequence: int, keep: int, discard: int) -> None:
        """Drop ``discard`` positions after the first ``keep`` and move the rest down."""
        lib.llama_memory_seq_rm(self._memory, sequence, keep, keep + discard)
        lib.llama_memory_seq_add(self._memory, sequence, keep + discard, -1, -discard)

    def close(self) -> None:
        """Free the cache; before the Model's own close."""
        self._views.clear()
        super().close()


def _flash_attention(spec: LoadSpec) -> int:
    """Decide where it is left open: without it many streams are faster on CPUs (engine notes, 2).

    Measured with 16 streams of 2048 cached tokens, 15 M parameters: 85 ms a step with it, 13 ms
    without. For a few streams it stays on, since prompts are twice as fast with it.
    """
    left_open = spec.flash_attention not in (0, 1)
    if left_open and spec.num_sequences >= _MANY and not supports_gpu():
        return 0
    return spec.flash_attention
