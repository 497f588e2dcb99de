"""Several store directories seen as one: the user's first, read-only ones and the built-in beneath.

Only the first is ever written to.
"""

import contextlib
import hashlib
import logging
import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from ollama_nb.errors import InvalidName, ModelNotFound, ReadOnlyStore, StoreError
from ollama_nb.failpoints import hit
from ollama_nb.names import Name

from .blobs import NewBlob, blob_path, hex_of, touch
from .collecting import collect, prune
from .disk import Disk, storing, sync_folder
from .locks import Locks
from .manifests import Manifest, is_file, manifest_path, manifest_paths, read_manifest
from .model import Model

_log = logging.getLogger(__name__)


class Store:
    """Models on disk. Reads afresh each time, since other processes write beside us."""

    def __init__(self, roots: Sequence[Path], *, group: bool = False) -> None:
        """Look into ``roots`` in this order; a name found in an earlier one hides the later.

        ``group``: what is written, the group of the first directory may change.
        """
        self._roots = tuple(roots)
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

    # -- writing -------------------------------------------------------------------------------

    @contextlib.contextmanager
    def pinned(self, digests: Iterable[str]) -> Iterator[None]:
        """Keep blobs, there or still to come, from being collected: until a manifest names them.

        Raises InvalidDigest, StoreError.
        """
        keys = sorted({f"blob-{hex_of(digest)}" for digest in digests})
        with contextlib.ExitStack() as held:
            for key in keys:
                held.enter_context(self.locks.held(key, shared=True))
            yield

    def new_blob(self) -> NewBlob:
        """Begin a blob. Raises StoreError."""
        return NewBlob(self.disk)

    def bring(self, digest: str) -> Path | None:
        """The blob in the first directory, linked or copied there from a lower one; or None."""
        target = blob_path(self.disk.root, digest)
        if touch(target):
            return target
        for root in self._roots[1:]:
            source = blob_path(root, digest)
            if is_file(source):
                self._import(source, target)
                return target
        return None

    def _import(self, source: Path, target: Path) -> None:
        with storing():
            self.disk.folder(target.parent)
            with contextlib.suppress(OSError):  # another file system, or another user's file
                os.link(source, target)
                sync_folder(target.parent)
                return
        with self.disk.draft() as draft, source.open("rb") as file:
            with storing():
                shutil.copyfileobj(file, draft.file, 1 << 20)
            draft.place(target)

    def save(self, name: Name, manifest: bytes) -> int:
        """Write a model's manifest, whose blobs are there and pinned; return the bytes freed.

        What only the model of that name before it needed is removed.
        """
        name = self.spelled(name)
        path = manifest_path(self.disk.root, name)
        with self._changing(name):
            old = self._digests(name, path)
            self.disk.write(path, manifest)
        return collect(self.disk, self.locks, old)

    def copy(self, source: Name, destination: Name) -> None:
        """Give a model a second name. Raises ModelNotFound, StoreError."""
        if source.same_as(destination):
            return
        model = self.find(source.full)
        layers = (model.manifest.config, *model.manifest.layers)
        digests = [layer.digest for layer in layers if layer.digest]
        with self.pinned(digests):
            for digest in digests:
                if self.bring(digest) is None:
                    raise StoreError(f"blob {digest} of '{model.name}' is missing")
            data = model.manifest.data
            hit("copy")
            self.save(destination, data)

    def delete(self, name: Name) -> int:
        """Remove a model and the blobs that no other one needs; return the bytes freed.

        Raises ModelNotFound, ReadOnlyStore for one that is not in the first directory.
        """
        found = _stored(self.disk.root, name)
        if found is None:
            if any(_stored(root, name) for root in self._roots[1:]):
                raise ReadOnlyStore(f"model '{name}'")
            raise ModelNotFound(str(name))
        name, path = found
        with self._changing(name):
            old = self._digests(name, path)
            with storing(), contextlib.suppress(FileNotFoundError):
                hit("before-unlink")
                path.unlink()
                hit("after-unlink")
                self._tidy(path.parent)
        return collect(self.disk, self.locks, old)

    def prune(self, *, partials: bool = False) -> int:
        """Remove what no model needs; return the bytes freed. See collecting."""
        return prune(self.disk, self.locks, partials=partials)

    # ------------------------------------------------------------------------------------------

    def _changing(self, name: Name) -> contextlib.AbstractContextManager[None]:
        """Alone with a name."""
        digest = hashlib.sha256(name.full.lower().encode()).hexdigest()
        return self.locks.held(f"name-{digest[:32]}")

    def _digests(self, name: Name, path: Path) -> list[str]:
        """What a model that is about to go names; nothing if it cannot be read."""
        try:
            manifest: Manifest = read_manifest(name, path)
        except StoreError:
            return []
        return [layer.digest for layer in (manifest.config, *manifest.layers)]

    def _tidy(self, folder: Path) -> None:
        """Remove folders that have become empty, below ``manifests``."""
        top = self.disk.root / "manifests"
        while folder != top:
            try:
                folder.rmdir()
            except OSError:
                break
            folder = folder.parent
        sync_folder(folder)


def _stored(root: Path, name: Name) -> tuple[Name, Path] | None:
    """A manifest of that name in one directory: so spelled, or else in any other case."""
    path = manifest_path(root, name)
    if is_file(path):
        return name, path
    return next((found for found in manifest_paths(root) if found[0].same_as(name)), None)
