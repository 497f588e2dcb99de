"""The only file that calls llama.cpp, through llama-cpp-python's low-level bindings.

Native code dies where Python would raise: every rule here guards a call that was seen to end the
process (engine notes, section 3). Nothing is thread-safe except the reading of a live Model's
vocabulary; a Context belongs to the one thread that made it. Knows no requests, names or HTTP.
"""

import ctypes
import os
import threading
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

# An abort inside ggml otherwise forks a debugger and prints pages of trace.
os.environ.setdefault("GGML_NO_BACKTRACE", "1")

from llama_cpp import llama_cpp as lib
from llguidance import LLTokenizer

from ollama_nb.errors import EngineError, LoadFailed

from .constraint import Constraint
from .sampling import ChainStep
from .sequence import FreePart
from .spec import LoadSpec

_LOG_ERROR = 3
_LOG_WARNING = 2
_recent_log: deque[str] = deque(maxlen=8)

OK, CACHE_FULL, ABORTED = 0, 1, 2
"""What ``Context.decode`` returns; anything else is a fault."""


@lib.llama_log_callback  # type: ignore[untyped-decorator]
def _remember_log(level: int, text: bytes, _: Any) -> None:
    """Keep the last warnings for error texts; print nothing into the user's notebook."""
    if level in (_LOG_WARNING, _LOG_ERROR):
        _recent_log.append(text.decode("utf-8", "replace").strip())


lib.llama_log_set(_remember_log, ctypes.c_void_p(0))
lib.llama_backend_init()

# The abort callback is libc's strlen on a two-byte flag: "" goes on, "\1" stops. A callback written
# in Python took 15-32 ms to stop a prompt and slowed every step; this takes 1 ms and costs nothing.
_strlen = ctypes.cast(ctypes.CDLL(None).strlen, lib.ggml_abort_callback)


def supports_gpu() -> bool:
    """Whether this build of llama.cpp can offload to a GPU."""
    return bool(lib.llama_supports_gpu_offload())


class Model:
    """Weights and vocabulary of one GGUF file, mapped into memory."""

    def __init__(self, spec: LoadSpec) -> None:
        """Load a file that has passed the gate. Raises LoadFailed with llama.cpp's words."""
        params = lib.llama_model_default_params()
        params.n_gpu_layers = spec.gpu_layers
        params.main_gpu = spec.main_gpu
        if spec.load_mode is not None:
            params.load_mode = spec.load_mode
        _recent_log.clear()
        self._model = lib.llama_model_load_from_file(os.fsencode(spec.path), params)
        if not self._model:
            raise LoadFailed(Path(spec.path).name, _last_log("the engine refused the file"))
        self._vocab = lib.llama_model_get_vocab(self._model)
        self.num_vocab: int = lib.llama_vocab_n_tokens(self._vocab)
        self.bos: int = lib.llama_vocab_bos(self._vocab)
        self.eos: int = lib.llama_vocab_eos(self._vocab)
        self.adds_bos: bool = lib.llama_vocab_get_add_bos(self._vocab)
        self.infill: tuple[int, int, int] = (
            lib.llama_vocab_fim_pre(self._vocab),
            lib.llama_vocab_fim_suf(self._vocab),
            lib.llama_vocab_fim_mid(self._vocab),
        )
        """Token ids of prefix, suffix and middle; -1 where the vocabulary has none."""
        self._pieces: dict[tuple[int, bool], bytes] = {}
        self._constrainer: LLTokenizer | None = None
        """Made for the first answer with a schema: that takes up to a second."""
        self._constrainer_lock = threading.Lock()
        self._vocabulary_lock = threading.Lock()
        """Other threads read the vocabulary; freeing it under them would end the process.

        Two locks, since a step waits for this one, and making a constrainer takes many steps.
        """

    @property
    def handle(self) -> Any:
        """The native pointer, for Context alone."""
        return self._model

    def tokenize(self, text: str, *, add_special: bool, parse_special: bool) -> list[int]:
        """Token ids of ``text``; with ``parse_special``, control tokens written in it count."""
        data = text.encode("utf-8", "replace")
        size = len(data) + 8
        while True:
            tokens = (lib.llama_token * size)()
            with self._vocabulary_lock:
                self._check_open()
                count = lib.llama_tokenize(
                    self._vocab, data, len(data), tokens, size, add_special, parse_special
                )
            if count >= 0:
                return tokens[:count]
            size = -count

    def piece(self, token: int, *, special: bool = False) -> bytes:
        """Bytes of one token, possibly part of a character; control tokens only if ``special``.

        Raises EngineError for an id outside the vocabulary, which native code does not survive.
        """
        known = self._pieces.get((token, special))
        if known is None:
            if not 0 <= token < self.num_vocab:
                raise EngineError(f"token {token} is outside the model's vocabulary")
            with self._vocabulary_lock:
                self._check_open()
                known = self._pieces[token, special] = self._read_piece(token, special)
        return known

    def _read_piece(self, token: int, special: bool) -> bytes:
        size = 64
        while True:
            buffer = ctypes.create_string_buffer(size)
            count = lib.llama_token_to_piece(self._vocab, token, buffer, size, 0, special)
            if count >= 0:
                return buffer.raw[:count]
            size = -count

    def is_end(self, token: int) -> bool:
        """Whether this token ends generation: EOS, end of turn and their kin."""
        return bool(lib.llama_vocab_is_eog(self._vocab, token))

    def constrain(self, schema: dict[str, Any], free: FreePart) -> Constraint:
        """Begin an answer within a JSON schema. Raises BadRequest for one that cannot be done."""
        with self._constrainer_lock:
            self._check_open()
            if self._constrainer is None:
                self._constrainer = self._make_constrainer()
            return Constraint(self._constrainer, schema, free)

    def _make_constrainer(self) -> LLTokenizer:
        """Describe the vocabulary to llguidance, which knows special tokens by a leading 0xff.

        Its own helper for this calls a deprecated function of llama.cpp's.
        """
        controls = lib.LLAMA_TOKEN_ATTR_CONTROL
        own = lib.LLAMA_TOKEN_ATTR_USER_DEFINED
        tokens = []
        for token in range(self.num_vocab):
            piece = self._read_piece(token, special=True)
            kind = lib.llama_vocab_get_attr(self._vocab, token)
            tagged = piece.startswith(b"<") and piece.endswith(b">")
            special = kind & controls or (kind & own and tagged)
            tokens.append(b"\xff" + piece if special else piece)
        make: Any = LLTokenizer  # its stubs do not know this function
        tokenizer: LLTokenizer = make.from_llamacpp(
            tokens=tokens,
            vocab_ptr=self._vocab,
            tokenize_fptr=ctypes.cast(lib.llama_tokenize, ctypes.c_void_p).value,
            eos_token=[token for token in range(self.num_vocab) if self.is_end(token)],
        )
        return tokenizer

    def control_texts(self) -> tuple[str, ...]:
        """Texts of all control tokens, which a message must not be able to write."""
        controls = (t for t in range(self.num_vocab) if lib.llama_vocab_is_control(self._vocab, t))
        texts = (self.piece(token, special=True).decode("utf-8", "replace") for token in controls)
        return tuple(text for text in texts if len(text) > 1)

    def close(self) -> None:
        """Free the weights; every Context over them must be closed before (else a double free)."""
        with self._constrainer_lock, self._vocabulary_lock:
            if self._model:
                lib.llama_model_free(self._model)
                self._model = None

    def _check_open(self) -> None:
        if not self._model:
            raise EngineError("the model has been unloaded")


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


class Context:
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
        params.kv_unified = False
        params.flash_attn_type = spec.flash_attention
        params.type_k = params.type_v = getattr(lib, f"GGML_TYPE_{spec.cache_type.upper()}")
        params.rope_freq_base = spec.rope_base
        params.rope_freq_scale = spec.rope_scale
        params.no_perf = True
        self._flag = ctypes.create_string_buffer(2)
        params.abort_callback = _strlen
        params.abort_callback_data = ctypes.addressof(self._flag)
        _recent_log.clear()
        self._context = lib.llama_init_from_model(model.handle, params)
        if not self._context:
            raise EngineError(f"cannot make a context: {_last_log('out of memory?')}")
        self._memory = lib.llama_get_memory(self._context)
        self._threads = spec.threads
        self._for_prompts = False
        self._num_vocab = model.num_vocab
        self._views: dict[int, NDArray[np.float32]] = {}
        self.can_shift: bool = lib.llama_memory_can_shift(self._memory)

    def decode(self, batch: Batch, *, prompts: bool) -> int:
        """Run one step: OK, CACHE_FULL (cache as before) or ABORTED. Raises EngineError.

        ``prompts`` tells whether prompt rows are in it, which are worth more threads. llama.cpp
        itself would take every batch of two rows for a prompt.
        """
        if prompts is not self._for_prompts:
            self._for_prompts = prompts
            threads = self._threads[prompts]
            lib.llama_set_n_threads(self._context, threads, threads)
        result: int = lib.llama_decode(self._context, batch.struct)
        if result not in (OK, CACHE_FULL, ABORTED):
            raise EngineError(f"decode failed with code {result}: {_last_log('no details')}")
        return result

    def abort(self) -> None:
        """Stop the step under way within a millisecond or two. Callable from any thread."""
        self._flag[0] = b"\1"

    def resume(self) -> None:
        """Allow steps again after ``abort``."""
        self._flag[0] = b"\0"

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

    def sample(self, chain: "SamplerChain", row: int) -> int:
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
        if self._context:
            self._views.clear()
            lib.llama_free(self._context)
            self._context = None


class SamplerChain:
    """llama.cpp's samplers in a row, for one sequence."""

    def __init__(self, steps: Sequence[ChainStep], model: Model) -> None:
        """Build the chain; the last step must be one that selects (else the process dies)."""
        self.handle: Any = lib.llama_sampler_chain_init(lib.llama_sampler_chain_default_params())
        for name, arguments in steps:
            if name in ("penalties", "mirostat"):
                arguments = (model.num_vocab, *arguments)
            sampler = getattr(lib, f"llama_sampler_init_{name}")(*arguments)
            if not sampler:
                raise EngineError(f"sampler {name} refused {arguments}")
            lib.llama_sampler_chain_add(self.handle, sampler)

    def accept(self, token: int) -> None:
        """Let the penalties know a token that was not drawn here: the prompt's."""
        lib.llama_sampler_accept(self.handle, token)

    def close(self) -> None:
        """Free the samplers."""
        if self.handle:
            lib.llama_sampler_free(self.handle)
            self.handle = None


def _last_log(otherwise: str) -> str:
    return _recent_log[-1] if _recent_log else otherwise
