"""Files and folders that a word on a line may become. Never raises."""

import os
import re
from pathlib import Path

_SPECIAL = re.compile(r"""([\s'"\\])""")


def paths_like(fragment: str) -> list[str]:
    """Return what begins so, folders with a slash; blanks and quotes as a line has to have them."""
    folder, slash, start = fragment.rpartition("/")
    try:
        with os.scandir(Path(folder + slash).expanduser()) as entries:
            found = sorted(
                f"{entry.name}/" if entry.is_dir() else entry.name
                for entry in entries
                if entry.name.startswith(start)
            )
    except (OSError, ValueError, RuntimeError):  # no such folder, a NUL, a home that nobody has
        return []
    shown = [name for name in found if start.startswith(".") or not name.startswith(".")]
    return [folder + slash + _SPECIAL.sub(r"\\\1", name) for name in shown]
