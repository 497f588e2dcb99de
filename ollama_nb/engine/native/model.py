"""Weights and vocabulary of a GGUF file."""

import ctypes
import os
import threading
from pathlib import Path
from typing import Any

from llguidance import LLTokenizer

from ollama_nb.engine.constraint import Constraint
from ollama_nb.engine.sequence import FreePart
from ollama_nb.engine.spec import LoadSpec
from ollama_nb.errors import BadRequest, EngineError, LoadFailed

from .library import forget_log, last_log, lib


class Model:
    """Weights and vocabulary of one GGUF file, mapped into memory."""

    def __init__(self, spec: LoadSpec) -> None:
        """Load a file that has passed the gate. Raises LoadFailed with llama.cpp's words."""
        params = lib.llama_model_default_params()
        params.n_gpu_layers = spec.gpu_layers
        params.main_gpu = spec.main_gpu
        params.split_mode = lib.LLAMA_SPLIT_MODE_LAYER if spec.split else lib.LLAMA_SPLIT_MODE_NONE
        if spec.tensor_split:
            most = lib.llama_max_devices()
            shares = (ctypes.c_float * most)(*spec.tensor_split[:most])
            params.tensor_split = shares
        if spec.load_mode is not None:
            params.load_mode = spec.load_mode
        forget_log()
        self._model = lib.llama_model_load_from_file(os.fsencode(spec.path), params)
        if not self._model:
            raise LoadFailed(Path(spec.path).name, last_log("the engine refused the file"))
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
        self._marked = [token for token in spec.marked if token < self.num_vocab]
        self._pieces: dict[tuple[int, bool], bytes] = {}
        self._constrainer: LLTokenizer | None = None
        """Made for the first answer with a schema: that takes up to a second."""
        self._constrainer_lock = threading.Lock()
        self._vocabulary_lock = threading.Lock()
        """Other threads read the vocabulary; freeing it under them would end the process.

        Two locks, since a step waits for this one, and making a constrainer takes many steps.
        """
        self._adapters = [self._load_adapter(path) for path in spec.adapters]

    def _load_adapter(self, path: str) -> Any:
        """Load a LoRA; it is freed with the model. Raises LoadFailed, and frees the model."""
        forget_log()
        adapter = lib.llama_adapter_lora_init(self._model, os.fsencode(path))
        if not adapter:
            fault = last_log("the engine refused the adapter")
            self.close()
            raise LoadFailed(Path(path).name, fault)
        return adapter

    def adapt(self, context: Any) -> None:
        """Lay the adapters over the weights, for one native context. Raises EngineError."""
        count = len(self._adapters)
        if count:
            adapters = (lib.llama_adapter_lora_p_ctypes * count)(*self._adapters)
            scales = (ctypes.c_float * count)(*[1.0] * count)
            if lib.llama_set_adapters_lora(context, adapters, count, scales):
                raise EngineError("the adapters cannot be used together")

    @property
    def handle(self) -> Any:
        """The native pointer, for what is made over the model."""
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

        Raises BadRequest for an id outside the vocabulary, which native code does not survive.
        """
        known = self._pieces.get((token, special))
        if known is None:
            if not 0 <= token < self.num_vocab:
                raise BadRequest(f"token {token} is outside the model's vocabulary")
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
        """Texts of all control tokens, which a message must not be able to write.

        Asking for every token of the vocabulary took a quarter of the load of a small model.
        """
        controls = (one for one in self._marked if lib.llama_vocab_is_control(self._vocab, one))
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
