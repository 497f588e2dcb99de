"""Digests and the one function that turns a digest into a path (rule S5)."""

import re
from pathlib import Path

from ollama_nb.errors import InvalidDigest

_DIGEST = re.compile(r"sha256[:-]([0-9a-fA-F]{64})")


def blob_path(root: Path, digest: str) -> Path:
    """Where ``root`` keeps the blob ``sha256:<64 hex>``. Raises InvalidDigest for anything else."""
    match = _DIGEST.fullmatch(digest)
    if match is None:
        raise InvalidDigest
    return root / "blobs" / f"sha256-{match[1].lower()}"
