"""What every native context has: how it is made, stopped, given threads, and freed."""

import ctypes
from typing import Any

from ollama_nb.errors import EngineError

from .library import forget_log, last_log, lib, stop_callback
from .model import Model

OK, CACHE_FULL, ABORTED = 0, 1, 2
"""What a computation returns; anything else is a fault."""


class Computing:
    """A llama_context over a Model. Belongs to one thread, but for ``abort``."""

    def __init__(self, model: Model, params: Any) -> None:
        """Make it, with the model's adapters. Raises EngineError."""
        params.no_perf = True
        self._flag = ctypes.create_string_buffer(2)
        params.abort_callback = stop_callback
        params.abort_callback_data = ctypes.addressof(self._flag)
        forget_log()
        self._context = lib.llama_init_from_model(model.handle, params)
        if not self._context:
            raise EngineError(f"cannot make a context: {last_log('out of memory?')}")
        model.adapt(self._context)
        self._memory = lib.llama_get_memory(self._context)
        self._threads: int = params.n_threads

    def use_threads(self, threads: int) -> None:
        """Let the next calls have so many.

        Both of llama.cpp's numbers are set: it would take two rows for a prompt.
        """
        if threads != self._threads:
            self._threads = threads
            lib.llama_set_n_threads(self._context, threads, threads)

    @staticmethod
    def checked(result: int) -> int:
        """Return what a computation returned. Raises EngineError if it is a fault."""
        if result not in (OK, CACHE_FULL, ABORTED):
            raise EngineError(f"decode failed with code {result}: {last_log('no details')}")
        return result

    def abort(self) -> None:
        """Stop the call under way within a millisecond or two. Callable from any thread."""
        self._flag[0] = b"\1"

    def resume(self) -> None:
        """Allow calls again after ``abort``."""
        self._flag[0] = b"\0"

    def close(self) -> None:
        """Free it; before the Model's own close."""
        if self._context:
            lib.llama_free(self._context)
            self._context = None
