"""Images become part of a prompt: llama.cpp's mtmd library and the projector file of a model."""

import ctypes
import os
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from weakref import finalize

from llama_cpp import mtmd_cpp as mtmd

from ollama_nb.engine.sequence import Picture
from ollama_nb.engine.spec import LoadSpec
from ollama_nb.errors import BadRequest, EngineError, LoadFailed

from .computing import CACHE_FULL
from .context import Context
from .library import forget_log, last_log, lib, remember_log
from .model import Model

mtmd.mtmd_log_set(remember_log, ctypes.c_void_p(0))
mtmd.mtmd_helper_log_set(remember_log, ctypes.c_void_p(0))
# A null pointer of the callback's type: there is nothing to do between the parts of an image.
_NOTHING = mtmd.mtmd_helper_post_decode_callback()


@dataclass(eq=False)
class Patch:
    """A piece of a picture as the model sees it: text around it, or patches of it.

    A big picture may come in several pieces. ``num_cells`` of the cache, ``num_positions`` in the
    text: models that count in two dimensions need fewer positions than cells.
    """

    tokens: tuple[int, ...]
    """Of text; empty for patches."""
    num_positions: int
    num_cells: int
    handle: Any = None
    """Its pixels in native memory, freed with this object."""

    def __post_init__(self) -> None:
        if self.handle:
            finalize(self, mtmd.mtmd_input_chunk_free, self.handle).atexit = False


class Projector:
    """The encoder of one projector file, for one Model; it must be closed before that."""

    def __init__(self, model: Model, spec: LoadSpec) -> None:
        """Load the file. Raises LoadFailed with llama.cpp's words."""
        params = mtmd.mtmd_context_params_default()
        params.use_gpu = spec.gpu_layers != 0
        params.print_timings = False
        params.warmup = False
        params.n_threads = spec.threads[1]
        params.flash_attn_type = spec.flash_attention
        forget_log()
        self._batch = spec.batch
        self._threads = spec.threads[1]
        self._lock = threading.Lock()
        """Other threads cut pictures up; freeing the encoder under them would end the process."""
        self._handle = mtmd.mtmd_init_from_file(os.fsencode(spec.projector), model.handle, params)
        if not self._handle:
            fault = last_log("the engine refused the file")
            raise LoadFailed(Path(spec.projector).name, fault)
        if not mtmd.mtmd_support_vision(self._handle):
            self.close()
            raise LoadFailed(Path(spec.projector).name, "it does not encode images")

    def cut_up(self, picture: Picture) -> list[Patch]:
        """Prepare a picture. Callable from any thread.

        Raises BadRequest for a picture that the model cannot take.
        """
        pixels = ctypes.cast(ctypes.c_char_p(picture.pixels), ctypes.POINTER(ctypes.c_uint8))
        bitmap = mtmd.mtmd_bitmap_init(picture.width, picture.height, pixels)
        part = mtmd.mtmd_input_part(text=None, bitmap=bitmap)
        parts = (ctypes.POINTER(mtmd.mtmd_input_part) * 1)(ctypes.pointer(part))
        chunks = mtmd.mtmd_input_chunks_init()
        try:
            with self._lock:
                if not self._handle:
                    raise EngineError("the model has been unloaded")
                result = mtmd.mtmd_tokenize_from_parts(self._handle, chunks, parts, 1, False)
            if result:
                raise BadRequest(f"the model cannot take this image: {last_log('no details')}")
            count = mtmd.mtmd_input_chunks_size(chunks)
            return [_patch(mtmd.mtmd_input_chunks_get(chunks, index)) for index in range(count)]
        finally:
            mtmd.mtmd_input_chunks_free(chunks)
            mtmd.mtmd_bitmap_free(bitmap)

    def decode(self, context: Context, patch: Patch, sequence: int, position: int) -> int:
        """Encode patches and put them into a cache: OK or ABORTED. Raises EngineError.

        The encoding cannot be aborted, what follows can.
        """
        context.use_threads(self._threads)
        if mtmd.mtmd_encode_chunk(self._handle, patch.handle):
            raise EngineError(f"the image cannot be encoded: {last_log('no details')}")
        after = lib.llama_pos(0)
        result: int = mtmd.mtmd_helper_decode_image_chunk(
            self._handle, context.handle, patch.handle, mtmd.mtmd_get_output_embd(self._handle),
            position, sequence, self._batch, ctypes.byref(after), _NOTHING, None,
        )  # fmt: skip
        if result == CACHE_FULL:
            raise EngineError("the context is full")
        return context.checked(result)

    def close(self) -> None:
        """Free the encoder."""
        with self._lock:
            if self._handle:
                mtmd.mtmd_free(self._handle)
                self._handle = None


def _patch(chunk: Any) -> Patch:
    count = mtmd.mtmd_input_chunk_get_n_tokens(chunk)
    positions = mtmd.mtmd_input_chunk_get_n_pos(chunk)
    if mtmd.mtmd_input_chunk_get_type(chunk) != mtmd.MTMD_INPUT_CHUNK_TYPE_TEXT:
        return Patch((), positions, count, mtmd.mtmd_input_chunk_copy(chunk))
    size = ctypes.c_size_t(0)
    tokens = mtmd.mtmd_input_chunk_get_tokens_text(chunk, ctypes.byref(size))
    return Patch(tuple(tokens[: size.value]), positions, count)
