"""Keeping blobs, there or still to come, from being collected before a manifest names them.

Who needs some puts their digests into a file and holds it (see holding). Pins are made while
nobody collects; so a collector sees all of a pin or comes before it. One file for all digests of a
model: some models have thousands, and a process may not have as many files open.
"""

import contextlib
from collections.abc import Iterable, Iterator

from ollama_nb.errors import StoreError
from ollama_nb.failpoints import hit

from .blobs import hex_of
from .disk import Disk, storing
from .holding import sweep
from .locks import Locks

CHANGING = "changing"
"""The lock of whoever changes what the manifests name, or removes what they do not name."""


@contextlib.contextmanager
def pinned(disk: Disk, locks: Locks, digests: Iterable[str]) -> Iterator[None]:
    """Hold a pin. Raises InvalidDigest, StoreError."""
    text = "".join(f"{digits}\n" for digits in sorted({hex_of(digest) for digest in digests}))
    with contextlib.ExitStack() as stack:
        with locks.held(CHANGING, shared=True):
            pin = stack.enter_context(disk.draft("pins"))
            pin.write(text.encode())
            with storing():
                pin.file.flush()
                hit("pinned")
        yield


def pinned_digits(disk: Disk) -> set[str]:
    """What others have pinned; for whoever holds the lock alone. Raises StoreError."""
    folder = disk.own / "pins"
    sweep(folder)
    found: set[str] = set()
    try:
        for path in folder.iterdir():
            with contextlib.suppress(FileNotFoundError):  # its owner is done
                found.update(path.read_bytes().decode().split())
    except FileNotFoundError:
        return set()
    except (OSError, ValueError) as error:
        raise StoreError("what other processes have pinned cannot be read") from error
    return found
