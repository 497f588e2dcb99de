"""Several store directories seen as one: the user's first, read-only ones and the built-in beneath.

Only the first is ever written to, and nothing is written before somebody asks for a change.
"""

import contextlib
import logging
import threading
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from ollama_nb.errors import DiskFull, InvalidName, ModelNotFound, ReadOnlyStore, StoreError
from ollama_nb.failpoints import hit
from ollama_nb.names import Name

from .blobs import NewBlob, blob_path, copied, is_present, linked, rename_old, stored_blob
from .collecting import collect, prune
from .damaged import forget_replaced, is_damaged
from .disk import Disk, storing
from .locks import Locks
from .manifests import is_file, manifest_path, manifest_paths, parse_manifest, read_manifest
from .model import Model
from .pins import CHANGING, pinned
from .verifying import Checked, verify

_log = logging.getLogger(__name__)


class Store:
    """Models on disk. Reads afresh each time, since other processes write beside us."""

    def __init__(
        self, roots: Sequence[Path], *, group: bool = False, keep_replaced: bool = False
    ) -> None:
        """Look into ``roots`` in this order; a name found in an earlier one hides the later.

        ``group``: what is written, the group of the first directory may change.
        ``keep_replaced``: blobs of a model that a new one replaced stay until a prune.
        """
        self._roots = tuple(roots)
        self._keep_replaced = keep_replaced
        self._renamed_old = False
        self.disk = Disk(self._roots[0], group=group)
        self.locks = Locks(self.disk)

    # -- reading -------------------------------------------------------------------------------

    def find(self, text: str) -> Model:
        """The model of a name as a user wrote it.

        Raises InvalidName, ModelNotFound (with the name as written) or StoreError.
        """
        name = Name.parse(text)
        if not name.valid:
            raise InvalidName
        for root in self._roots:
            found = _stored(root, name)
            if found:
                return Model(root, read_manifest(*found))
        raise ModelNotFound(text)

    def models(self) -> list[Model]:
        """Every readable model, newest first; ties keep the order of their names."""
        seen: set[str] = set()
        found: list[Model] = []
        for root in self._roots:
            for name, path in manifest_paths(root):
                if name.full.lower() in seen:
                    continue
                seen.add(name.full.lower())
                try:
                    found.append(Model(root, read_manifest(name, path)))
                except StoreError as error:
                    _log.warning("%s", error)
        return sorted(found, key=lambda model: -model.manifest.modified_ns)

    def spelled(self, name: Name) -> Name:
        """The name with each part as existing models spell it (models, 1.3)."""
        stored = [each for root in self._roots for each, _ in manifest_paths(root)]
        return name.spelled_like(stored)

    def verify(self, cancelled: threading.Event | None = None) -> Iterator[Checked]:
        """Hash every blob that a manifest of any directory names, and remember the damaged ones.

        Deletes nothing; the next pull replaces what is damaged. Raises Cancelled.
        """
        return verify(self.disk, self._roots, cancelled or threading.Event())

    # -- writing -------------------------------------------------------------------------------

    @contextlib.contextmanager
    def pinned(self, digests: Iterable[str]) -> Iterator[None]:
        """Keep blobs, there or still to come, from being collected: until a manifest names them.

        Raises InvalidDigest, StoreError.
        """
        with pinned(self.disk, self.locks, digests):
            yield

    def new_blob(self) -> NewBlob:
        """Begin a blob. Raises StoreError."""
        return NewBlob(self.disk)

    def has(self, digest: str) -> bool:
        """Whether the blob is there, whole as far as is known. Raises InvalidDigest.

        One in the first directory is made young again, so that nobody prunes it within the hour.
        """
        if is_present(self.disk, stored_blob(self.disk.root, digest)):
            return True
        lower = (stored_blob(root, digest) for root in self._roots[1:])
        return any(is_file(path) and not is_damaged(self.disk, path) for path in lower)

    def bring(self, digest: str, size: int = 0) -> Path | None:
        """The blob in the first directory, linked or copied there from a lower one; or None.

        What has another size than the one given, or is known to be damaged, counts as not there.
        Raises InvalidDigest, StoreError.
        """
        self._rename_old()
        target = blob_path(self.disk.root, digest)
        if is_present(self.disk, target, size):
            return target
        for root in self._roots[1:]:
            source = stored_blob(root, digest)
            if self._is_good(source, size) and (
                linked(self.disk, source, target) or copied(self.disk, source, digest)
            ):
                return target
        return None

    def save(self, name: Name, manifest: bytes) -> int:
        """Write a model's manifest, whose blobs are there and pinned; return the bytes freed.

        What only the model of that name before it needed is removed. Raises StoreError.
        """
        for blob in parse_manifest(name, manifest).blobs:
            if not is_file(stored_blob(self.disk.root, blob.digest)):
                raise StoreError(f"blob {blob.digest} of '{name}' is missing")
        with self._changing():
            name = self.spelled(name)
            path = manifest_path(self.disk.root, name)
            old = self._digests(name, path)
            self.disk.write(path, manifest)
            return 0 if self._keep_replaced else self._collect(old)

    def copy(self, source: Name, destination: Name) -> None:
        """Give a model a second name. Raises ModelNotFound, StoreError."""
        model = self.find(source.full)
        if source.same_as(destination):
            return
        with self.pinned(blob.digest for blob in model.manifest.blobs):
            with storing():
                hit("copy")
            for blob in model.manifest.blobs:
                if self.bring(blob.digest, blob.size) is None:
                    raise StoreError(
                        f"blob {blob.digest} of '{model.name}' is missing or damaged; "
                        f"pull it again with: ollama pull {model.name}"
                    )
            self.save(destination, model.manifest.data)

    def delete(self, name: Name) -> int:
        """Remove a model and the blobs that no other one needs; return the bytes freed.

        Raises ModelNotFound, ReadOnlyStore for one that is not in the first directory.
        """
        self._own(name)
        with self._changing():
            name, path = self._own(name)
            old = self._digests(name, path)
            with storing():
                hit("before-unlink")
                self.disk.remove(path)
                hit("after-unlink")
                top = self.disk.root / "manifests"
                self.disk.sync(self.disk.remove_empty(path.parent, top))
            return self._collect(old)

    def collect(self, digests: Iterable[str]) -> int:
        """Remove those of these blobs that nobody needs, as after a failure; return the bytes."""
        digests = set(digests)
        if not digests:
            return 0
        with self._changing():
            return self._collect(digests)

    def prune(self, *, partials: bool = False) -> int:
        """Remove what no model needs and is old enough; return the bytes freed. See collecting."""
        with self._changing():
            forget_replaced(self.disk, self._roots)
            return prune(self.disk, self.locks, partials=partials)

    # ------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _changing(self) -> Iterator[None]:
        """Alone with what manifests name. On a full disk models must go nevertheless."""
        with contextlib.ExitStack() as held:
            # Where there is no room for its file, nobody else can hold the lock.
            with contextlib.suppress(DiskFull):
                held.enter_context(self.locks.held(CHANGING))
                self._rename_old()
            yield

    def _is_good(self, source: Path, size: int) -> bool:
        """Whether a lower directory has a blob that may be taken over."""
        if not is_file(source) or is_damaged(self.disk, source):
            return False
        return not size or source.stat().st_size == size

    def _rename_old(self) -> None:
        if not self._renamed_old:
            rename_old(self.disk)
            self._renamed_old = True

    def _collect(self, digests: Iterable[str]) -> int:
        """What is done is done, whether or not its leftovers can be removed."""
        try:
            return collect(self.disk, digests)
        except StoreError as error:
            _log.warning("unused blobs stay until the next prune: %s", error)
            return 0

    def _own(self, name: Name) -> tuple[Name, Path]:
        """The model in the first directory that is to go. Raises ModelNotFound, ReadOnlyStore."""
        found = _stored(self.disk.root, name)
        if found:
            return found
        if any(_stored(root, name) for root in self._roots[1:]):
            raise ReadOnlyStore(f"model '{name}'")
        raise ModelNotFound(str(name))

    def _digests(self, name: Name, path: Path) -> list[str]:
        """What a model that is about to go names; nothing if it cannot be read."""
        try:
            return [blob.digest for blob in read_manifest(name, path).blobs]
        except StoreError:
            return []


def _stored(root: Path, name: Name) -> tuple[Name, Path] | None:
    """A manifest of that name in one directory: so spelled, or else in any other case."""
    path = manifest_path(root, name)
    if is_file(path):
        return name, path
    return next((found for found in manifest_paths(root) if found[0].same_as(name)), None)
