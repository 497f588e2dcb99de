"""What listings need of a model's header: thousands are kept, and headers are large."""

from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from ollama_nb.gguf import Header, read_header

from .blobs import stored_blob


class Glance(NamedTuple):
    """A few facts; as they are here, they are those of a model without a header."""

    capabilities: tuple[str, ...] = ()
    context_length: int = 0
    embedding_length: int = 0


@lru_cache(maxsize=8192)
def glance(root: Path, digest: str) -> Glance:
    """Look at a blob. Kept for good, without asking whether it is still there.

    Raises InvalidDigest, MalformedGGUF, OSError.
    """
    header = read_header(stored_blob(root, digest))
    found = ["completion" if header.pooling is None else "embedding"]
    template = header.chat_template or ""
    if "tools" in template or "tool_call" in template:
        found.append("tools")
    if "<think>" in template and "</think>" in template:
        found.append("thinking")
    if header.metadata.get("tokenizer.ggml.fim_mid_token_id") is not None:
        found.append("insert")
    return Glance(
        tuple(found), _length(header, "context_length"), _length(header, "embedding_length")
    )


def _length(header: Header, key: str) -> int:
    value = header.get(key)
    return value if isinstance(value, int) else 0
