"""Several store directories seen as one: the user's first, the built-in one beneath."""

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path

from ollama_nb.errors import InvalidName, ModelNotFound, StoreError
from ollama_nb.names import Name

from .manifests import is_file, manifest_paths, read_manifest
from .model import Model

_log = logging.getLogger(__name__)


class Store:
    """Models on disk. Reads afresh each time, since other processes write beside us."""

    def __init__(self, roots: Sequence[Path]) -> None:
        """Look into ``roots`` in this order; a name found in an earlier one hides the later."""
        self._roots = tuple(roots)

    def find(self, text: str) -> Model:
        """The model of a name as a user wrote it.

        Raises InvalidName, ModelNotFound (with the name as written) or StoreError.
        """
        name = Name.parse(text)
        if not name.valid:
            raise InvalidName
        for root in self._roots:
            for stored, path in _candidates(root, name):
                if stored.same_as(name):
                    return Model(root, read_manifest(stored, path))
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


def _candidates(root: Path, name: Name) -> Iterator[tuple[Name, Path]]:
    """The path that the name spells, and only if nothing is there every other spelling."""
    path = root / "manifests" / name.host / name.namespace / name.model / name.tag
    if is_file(path):
        yield name, path
    else:
        yield from manifest_paths(root)
