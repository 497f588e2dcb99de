"""Texts become vectors: a context whose hidden states are what is wanted, not its logits."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ollama_nb.engine.spec import LoadSpec
from ollama_nb.errors import EngineError

from .batch import Batch
from .computing import ABORTED, OK, Computing
from .library import last_log, lib
from .model import Model

MOST_TEXTS = 64
"""In one call."""
_CHUNK = 128
"""Rows of a step where the last token stands for the text: here llama.cpp computes logits for every
row, half a gigabyte of them for 1,000 rows of a large vocabulary.
"""


class Embedder(Computing):
    """Texts go in together, as sequences of one batch, and leave nothing behind."""

    def __init__(self, model: Model, spec: LoadSpec) -> None:
        """Make the context; vectors are pooled as the file says, else by the last token.

        Raises EngineError.
        """
        in_pieces = spec.pooling in (None, lib.LLAMA_POOLING_TYPE_LAST)
        self._last = in_pieces or spec.pooling == lib.LLAMA_POOLING_TYPE_NONE
        # Fewer rows than sequences end the process.
        self._window = max(spec.window, spec.batch, MOST_TEXTS)
        params = lib.llama_context_default_params()
        params.n_ctx = self._window
        # An encoder reads a whole text at a time, and dies of one that is longer than its batch.
        params.n_batch = params.n_ubatch = _CHUNK if in_pieces else self._window
        params.n_seq_max = MOST_TEXTS
        params.n_outputs_max = params.n_batch
        params.n_threads = params.n_threads_batch = spec.threads[1]
        params.kv_unified = True
        params.flash_attn_type = spec.flash_attention
        params.rope_freq_base = spec.rope_base
        params.rope_freq_scale = spec.rope_scale
        params.embeddings = True
        params.pooling_type = lib.LLAMA_POOLING_TYPE_NONE if self._last else spec.pooling
        super().__init__(model, params)
        self._batch = Batch(params.n_batch)
        ranks = spec.pooling == lib.LLAMA_POOLING_TYPE_RANK
        measure = lib.llama_model_n_cls_out if ranks else lib.llama_model_n_embd_out
        self.width: int = measure(model.handle)
        """Numbers of a vector."""

    def embed(self, texts: Sequence[Sequence[int]], threads: int) -> NDArray[np.float32] | None:
        """Return one vector a text, or None after an abort.

        Up to MOST_TEXTS texts, none empty, altogether no longer than the window or the batch.
        Raises EngineError.
        """
        self.use_threads(threads)
        vectors = np.empty((len(texts), self.width), np.float32)
        if self._memory:
            lib.llama_memory_clear(self._memory, False)
        self._batch.clear()
        ends: dict[int, int] = {}
        """Rows that end a text of the batch, by the text's number."""
        for number, text in enumerate(texts):
            for start in range(0, len(text), self._batch.capacity):
                part = text[start : start + self._batch.capacity]
                full = self._batch.size + len(part) > self._batch.capacity
                if full and not self._run(ends, vectors):
                    return None
                row = self._batch.add(number, part, start, output=True)
                if start + len(part) == len(text):
                    ends[number] = row
        return vectors if self._run(ends, vectors) else None

    def _run(self, ends: dict[int, int], vectors: NDArray[np.float32]) -> bool:
        """Evaluate the batch and take the vectors of the texts that end in it. False: aborted."""
        result = lib.llama_decode(self._context, self._batch.struct)
        if result == ABORTED:
            return False
        if result != OK:
            raise EngineError(f"embedding failed with code {result}: {last_log('no details')}")
        for number, row in ends.items():
            found = (
                lib.llama_get_embeddings_ith(self._context, row)
                if self._last
                else lib.llama_get_embeddings_seq(self._context, number)
            )
            if not found:
                raise EngineError("the model gives no embeddings")
            vectors[number] = np.ctypeslib.as_array(found, (self.width,))
        ends.clear()
        self._batch.clear()
        return True
