"""Whether the disk has room for what is to come, before any of it comes."""

import os
from pathlib import Path

from ollama_nb.errors import DiskFull

_LEAST_RESERVE = 256 << 20
_SHARE = 100


def check_space(folder: Path, needed: int, reserve: int | None = None) -> None:
    """Raise DiskFull if so many bytes would leave less than the reserve (None: the usual one)."""
    if not needed:
        return
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    try:
        disk = os.statvfs(folder)
    except OSError:
        return  # then writing will tell
    free = disk.f_bavail * disk.f_frsize
    if reserve is None:
        reserve = max(_LEAST_RESERVE, disk.f_blocks * disk.f_frsize // _SHARE)
    if needed + reserve > free:
        raise DiskFull(needed + reserve, free)
