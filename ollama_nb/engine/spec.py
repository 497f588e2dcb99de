"""What a loaded model looks like: the numbers that are fixed when it is loaded.

Two requests share a loaded model when their specs are equal, but for a smaller window.
"""

from pathlib import Path
from typing import NamedTuple

import msgspec

from ollama_nb.gguf import Header
from ollama_nb.settings import Settings
from ollama_nb.wire.options import Options

from .threads import thread_counts

_SMALLEST_WINDOW, _LARGEST_WINDOW = 4, 1 << 20
_SMALLEST_WINDOW_TO_SEE = 2048
_SMALLEST_BATCH_TO_SEE = 512
_SMALLEST_BATCH, _LARGEST_BATCH = 32, 8192
_MOST_SEQUENCES = 256
"""llama.cpp's own limit."""
_FLASH_AUTOMATIC = -1
_UNQUANTISED = "f16"
_MAPPED, _COPIED, _LOCKED = 1, 0, 3
"""llama.cpp's load modes: map the file, read it, map and lock it."""


class LoadSpec(msgspec.Struct, frozen=True, kw_only=True):
    """A message to a host: ``num_sequences`` of ``window`` tokens each."""

    path: str
    marked: tuple[int, ...]
    """Tokens among which all control tokens are."""
    window: int
    num_sequences: int
    """Before memory has been looked at, 0 leaves the number open."""
    batch: int
    threads: tuple[int, int]
    """For single tokens, for prompts."""
    threads_fixed: bool = False
    """Whether they were asked for, and are no matter of what else the machine does."""
    projector: str = ""
    """The file that encodes images for this model, if there is one."""
    adapters: tuple[str, ...] = ()
    """LoRA files laid over the weights."""
    gpu_layers: int
    """Before the GPUs' memory has been looked at, -1 leaves the number open."""
    main_gpu: int
    split: bool = True
    """Whether layers go to all GPUs, or all to ``main_gpu``."""
    tensor_split: tuple[float, ...] = ()
    """How much of them each GPU gets, in any unit; empty: by their free memory."""
    unified: bool = False
    """Whether sequences share one cache, or have one each."""
    load_mode: int | None
    rope_base: float
    rope_scale: float
    flash_attention: int
    """1 on, 0 off, -1 as llama.cpp decides."""
    cache_type: str
    """How numbers of the KV cache are stored, by ggml's name."""
    pooling: int | None = None
    """How a model made for embeddings makes one vector of many, by llama.cpp's number; such a model
    does not generate. None: it does, and a text's last token stands for the text.
    """
    isolated: bool = False
    """Whether what one owner's prompts left in the cache is kept from the others."""
    step_ns: int = 100_000_000
    """How long a step may take for prompts' sake while answers are under way."""


class Beside(NamedTuple):
    """Files that belong to a model beside its weights."""

    projector: Path | None = None
    adapters: tuple[Path, ...] = ()


_ALONE = Beside()


def load_spec(
    path: Path, header: Header, options: Options, settings: Settings, beside: Beside = _ALONE
) -> LoadSpec:
    """Bound every number before native code meets it (a huge n_ctx is not refused there)."""
    window = options.num_ctx if options.num_ctx > 0 else settings.context_length
    trained = header.get("context_length")
    if isinstance(trained, int) and trained > 0:
        window = min(window, trained)
    if beside.projector is not None:
        window = max(window, _SMALLEST_WINDOW_TO_SEE)
    # The patches of an image may have to see each other, which those of two batches do not.
    smallest_batch = _SMALLEST_BATCH if beside.projector is None else _SMALLEST_BATCH_TO_SEE
    window = max(_SMALLEST_WINDOW, min(window, _LARGEST_WINDOW))
    num_sequences = 1 if header.pooling is not None else min(settings.num_parallel, _MOST_SEQUENCES)
    return LoadSpec(
        path=str(path),
        marked=header.marked,
        window=window,
        num_sequences=num_sequences,
        # All sequences generate in one step: with less room, the youngest would wait for the rest.
        batch=max(smallest_batch, num_sequences, min(options.num_batch, _LARGEST_BATCH)),
        threads=thread_counts(options.num_thread),
        threads_fixed=options.num_thread > 0,
        projector="" if beside.projector is None else str(beside.projector),
        adapters=tuple(map(str, beside.adapters)),
        gpu_layers=options.num_gpu if options.num_gpu >= 0 else -1,
        main_gpu=max(0, options.main_gpu),
        tensor_split=settings.tensor_split,
        unified=settings.unified_cache,
        load_mode=_load_mode(options),
        rope_base=max(0.0, options.rope_frequency_base),
        rope_scale=max(0.0, options.rope_frequency_scale),
        flash_attention=_flash_attention(settings),
        cache_type=_cache_type(settings),
        pooling=header.pooling,
        isolated=settings.isolate_users,
        step_ns=settings.step_ns,
    )


def _flash_attention(settings: Settings) -> int:
    """Only flash attention can read a quantised cache."""
    if settings.flash_attention is None:
        return _FLASH_AUTOMATIC if _cache_type(settings) == _UNQUANTISED else 1
    return int(settings.flash_attention)


def _cache_type(settings: Settings) -> str:
    return _UNQUANTISED if settings.flash_attention is False else settings.kv_cache_type


def _load_mode(options: Options) -> int | None:
    if options.use_mlock:
        return _LOCKED
    if options.use_mmap is None:
        return None
    return _MAPPED if options.use_mmap else _COPIED
