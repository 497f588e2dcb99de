"""How much memory a loaded model takes, and how much there is. Bytes throughout."""

from pathlib import Path
from typing import NamedTuple

import msgspec
import psutil

from ollama_nb.errors import EngineError
from ollama_nb.gguf import ArrayRef, Header

from .offload import Gpus, plan_offload
from .spec import LoadSpec

_CACHE_BYTES = {"f16": 2, "q8_0": 34 / 32, "q4_0": 18 / 32}
"""Of one number: the quantised types store 32 of them with one scale."""
_FLOAT = 4
_OVERHEAD = 40 << 20
_SHARE_OF_FREE = 0.9
_SHARE_FOR_CACHES = 0.25
_AUTOMATIC_SEQUENCES = (16, 8, 4, 2, 1)
_MOST_ON_CPU = 4
_NO_GPUS = Gpus()
_CGROUP = Path("/sys/fs/cgroup")


def estimate(header: Header, spec: LoadSpec) -> int:
    """Weights, KV cache, output and compute buffers (engine notes, section 6: exact for KV)."""
    weights = header.file_size + _beside(spec)
    return weights + cache_size(header, spec) + _buffers(header, spec) + _OVERHEAD


def _beside(spec: LoadSpec) -> int:
    """The projector and the adapters."""
    return sum(Path(path).stat().st_size for path in (spec.projector, *spec.adapters) if path)


def cache_size(header: Header, spec: LoadSpec) -> int:
    """The KV cache of all sequences."""
    blocks = _integer(header, "block_count")
    heads = _integers(header, "attention.head_count", blocks)
    kv_heads = _integers(header, "attention.head_count_kv", blocks) or heads
    width = _integer(header, "embedding_length")
    head = width // max(heads, default=1) if max(heads, default=0) else 0
    key = _integer(header, "attention.key_length") or head
    value = _integer(header, "attention.value_length") or head
    numbers = spec.window * spec.num_sequences * sum(kv_heads) * (key + value)
    return int(numbers * _CACHE_BYTES[spec.cache_type])


class Fitted(NamedTuple):
    """A spec with nothing left open, and what it takes: altogether, and of that on GPUs."""

    spec: LoadSpec
    size: int
    size_vram: int


def fit(header: Header, spec: LoadSpec, gpus: Gpus = _NO_GPUS) -> Fitted:
    """Decide what the spec leaves open: the number of sequences and of layers on GPUs.

    Up to four sequences, or 16 where all layers are on GPUs, as long as their caches take no more
    than a quarter of what is free. Raises EngineError with the figures where memory does not
    suffice.
    """
    free = available()
    if spec.num_sequences:
        return _placed(header, spec, gpus, free)
    for count in _AUTOMATIC_SEQUENCES:
        tried = msgspec.structs.replace(spec, num_sequences=count)
        try:
            fitted = _placed(header, tried, gpus, free)
        except EngineError:
            if count == 1:
                raise
            continue
        whole = fitted.size_vram and fitted.spec.gpu_layers > _integer(header, "block_count")
        room = sum(gpus.free) if whole else free
        few = whole or count <= _MOST_ON_CPU
        if count == 1 or (few and cache_size(header, tried) <= _SHARE_FOR_CACHES * room):
            return fitted
    raise AssertionError("one sequence is the last that is tried")


def _placed(header: Header, spec: LoadSpec, gpus: Gpus, free: int) -> Fitted:
    """Choose the layers for the GPUs; what is left has to fit beside the rest of the system."""
    size = estimate(header, spec)
    work = _OVERHEAD + _buffers(header, spec) + _beside(spec)
    offload = plan_offload(*_layers(header, spec), work, gpus, spec.gpu_layers)
    alone = offload.gpu is not None and not spec.tensor_split
    spec = msgspec.structs.replace(
        spec,
        gpu_layers=offload.layers,
        main_gpu=spec.main_gpu or (offload.gpu if alone else 0),
        split=not alone,
    )
    needed = max(0, size - offload.size)
    if needed > _SHARE_OF_FREE * free:
        raise EngineError(
            f"model requires more system memory ({needed / 2**30:.1f} GiB) than is available "
            f"({free / 2**30:.1f} GiB); a smaller num_ctx (now {spec.window}) needs less"
        )
    return Fitted(spec, size, min(size, offload.size))


def _layers(header: Header, spec: LoadSpec) -> tuple[list[int], int]:
    """Bytes of each block, its share of the cache with it, and of the output."""
    count = max(1, _integer(header, "block_count"))
    blocks = [cache_size(header, spec) // count] * count
    rest = {"output": 0, "token_embd": 0}
    for tensor in header.tensors:
        part, _, inner = tensor.name.partition(".")
        number = inner.partition(".")[0]
        if part == "blk" and number.isdigit() and int(number) < count:
            blocks[int(number)] += tensor.size_bytes
        elif part in rest:
            rest[part] += tensor.size_bytes
    return blocks, rest["output"] or rest["token_embd"]


def available() -> int:
    """Memory that can still be taken: the machine's, or the container's where that is less."""
    free: int = psutil.virtual_memory().available
    try:
        limit = int((_CGROUP / "memory.max").read_text())
        used = int((_CGROUP / "memory.current").read_text()) - _reclaimable(_CGROUP)
    except (OSError, ValueError):
        return free
    return max(0, min(free, limit - used))


def _reclaimable(cgroup: Path) -> int:
    """Files that the kernel only keeps around, such as a blob just pulled: counted, yet free."""
    for line in (cgroup / "memory.stat").read_text().splitlines():
        if line.startswith("inactive_file "):
            return int(line.split()[1])
    return 0


def _buffers(header: Header, spec: LoadSpec) -> int:
    tokens = header.metadata.get("tokenizer.ggml.tokens")
    vocabulary = tokens.length if isinstance(tokens, ArrayRef) else 0
    if spec.pooling is not None:  # llama.cpp makes room for logits of every row all the same
        return max(spec.window, spec.batch) * vocabulary * _FLOAT
    return 2 * spec.num_sequences * vocabulary * _FLOAT


def _integer(header: Header, key: str) -> int:
    value = header.get(key)
    return value if isinstance(value, int) else 0


def _integers(header: Header, key: str, blocks: int) -> list[int]:
    """A number per block: hybrid models write arrays, all others one number."""
    value = header.get(key)
    if isinstance(value, ArrayRef):
        return [int(item) for item in header.read_array(value)]
    return [value] * blocks if isinstance(value, int) else []
