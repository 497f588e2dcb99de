"""How much memory a loaded model takes, and how much there is. Bytes throughout."""

from pathlib import Path

import msgspec
import psutil

from ollama_nb.errors import EngineError
from ollama_nb.gguf import ArrayRef, Header

from .spec import LoadSpec

_CACHE_BYTES = {"f16": 2, "q8_0": 34 / 32, "q4_0": 18 / 32}
"""Of one number: the quantised types store 32 of them with one scale."""
_FLOAT = 4
_OVERHEAD = 40 << 20
_SHARE_OF_FREE = 0.9
_SHARE_FOR_CACHES = 0.25
_AUTOMATIC_SEQUENCES = 4
_CGROUP = Path("/sys/fs/cgroup")


def estimate(header: Header, spec: LoadSpec) -> int:
    """Weights, KV cache, output and compute buffers (engine notes, section 6: exact for KV)."""
    beside = sum(Path(path).stat().st_size for path in (spec.projector, *spec.adapters) if path)
    weights = header.file_size + beside
    return weights + cache_size(header, spec) + _buffers(header, spec) + _OVERHEAD


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


def fit(header: Header, spec: LoadSpec) -> tuple[LoadSpec, int]:
    """Return the spec, with a number of sequences where it leaves that open, and the estimate.

    Up to four sequences, as long as their caches take no more than a quarter of what is free.
    Raises EngineError with the figures where memory does not suffice.
    """
    free = available()
    if not spec.num_sequences:
        spec = msgspec.structs.replace(spec, num_sequences=_AUTOMATIC_SEQUENCES)
        while spec.num_sequences > 1 and (
            cache_size(header, spec) > _SHARE_FOR_CACHES * free
            or estimate(header, spec) > _SHARE_OF_FREE * free
        ):
            spec = msgspec.structs.replace(spec, num_sequences=spec.num_sequences // 2)
    needed = estimate(header, spec)
    if needed > _SHARE_OF_FREE * free:
        raise EngineError(
            f"model requires more system memory ({needed / 2**30:.1f} GiB) than is available "
            f"({free / 2**30:.1f} GiB); a smaller num_ctx (now {spec.window}) needs less"
        )
    return spec, needed


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
