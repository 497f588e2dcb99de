"""Blobs that clients send: as large as the disk has room for."""

from ollama_nb.store.blobs import NewBlob
from ollama_nb.store.disk import Disk
from ollama_nb.store.space import check_space

_CHECK_EVERY = 64 << 20


class Upload(NewBlob):
    """A blob that leaves some of the disk free, whatever its sender says of its size."""

    def __init__(self, disk: Disk, size: int, reserve: int | None) -> None:
        """Begin, if there is room for ``size`` and the ``reserve``. Raises DiskFull, StoreError."""
        check_space(disk.root, size, reserve)
        super().__init__(disk)
        self._reserve = reserve
        self._checked = 0

    def write(self, data: bytes | memoryview) -> None:
        """Append. Raises DiskFull, StoreError."""
        if self.size + len(data) > self._checked:
            self._checked = self.size + len(data) + _CHECK_EVERY
            check_space(self._disk.root, len(data), self._reserve)
        super().write(data)
