"""What FROM, ADAPTER and DRAFT name: a model, a blob of the store, a file, or a directory (4.2).

Over HTTP there is no folder, so nothing there is a path and no file is opened (rule S7).
"""

from pathlib import Path

import msgspec

from ollama_nb.errors import InvalidDigest, InvalidModelfile, UnusableFiles
from ollama_nb.store.blobs import hex_of

from .definition import Definition
from .local_files import LocalFile, file_in
from .model_folder import model_files
from .modelfile import MAX_BYTES


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where a Modelfile stands, and what it may name."""

    folder: Path | None = None
    """Paths are relative to it; None: there are no paths."""
    root: Path | None = None
    """Nothing outside of it may be named."""
    stores: tuple[Path, ...] = ()
    """A path of a blob in one of them names that blob, as in what show prints."""


class Sources(msgspec.Struct, frozen=True, kw_only=True):
    """What a model is made of. Blobs are digests of the store, by a name for create's ``files``."""

    model: str = ""
    files: list[LocalFile] = []
    blobs: dict[str, str] = {}
    adapter_files: list[LocalFile] = []
    adapter_blobs: dict[str, str] = {}


def open_modelfile(text: str, place: Place) -> tuple[bytes, Place]:
    """Read a Modelfile, and say where the paths in it begin. Raises UnusableFiles.

    Of what is too large for one, no more is read than shows it.
    """
    path = (place.folder or Path()) / _expanded(text)
    real = _real(text, path, place.root)
    if real is None:
        raise UnusableFiles(f"{text}: there is no such file")
    file = _single(path.name, real)
    with (file if place.root is None else _kept_in(place.root, file)).reading() as opened:
        return opened.read(MAX_BYTES + 1), msgspec.structs.replace(place, folder=real.parent)


def find_sources(definition: Definition, place: Place) -> Sources:
    """Look what a definition names. Raises InvalidModelfile, UnusableFiles, InvalidDigest.

    Of several model names the last one wins; files add up.
    """
    model, files, blobs = "", [], {}
    for text in definition.sources:
        digest = _digest(text, place)
        found = None if digest else _files(text, place)
        if digest:
            blobs[_blob_name(digest)] = digest
        elif found is None:
            model = text
        else:
            files += found
    adapter_files, adapter_blobs = _adapters(definition, place)
    _check_names(files)
    _check_drafts(definition, place, {file.path for file in files})
    return Sources(
        model=model,
        files=files,
        blobs=blobs,
        adapter_files=adapter_files,
        adapter_blobs=adapter_blobs,
    )


def _adapters(definition: Definition, place: Place) -> tuple[list[LocalFile], dict[str, str]]:
    files: list[LocalFile] = []
    blobs: dict[str, str] = {}
    for text in definition.adapters:
        digest = _digest(text, place)
        if digest:
            blobs[_blob_name(digest)] = digest
        else:
            files += _existing("ADAPTER", text, place)
    _check_names(files)
    return files, blobs


def _check_drafts(definition: Definition, place: Place, taken: set[Path]) -> None:
    """Check DRAFT as Ollama does. No more comes of it, since there is no speculative decoding."""
    for text in definition.drafts:
        if _digest(text, place):
            continue
        if any(file.path in taken for file in _existing("DRAFT", text, place)):
            raise InvalidModelfile(f"DRAFT must not reference the same local path as FROM: {text}")


def _existing(instruction: str, text: str, place: Place) -> list[LocalFile]:
    found = _files(text, place)
    if found is None:
        raise InvalidModelfile(f"{instruction} {text}: there is no such file")
    return found


def _digest(text: str, place: Place) -> str:
    """The digest that a text names, as ``@sha256:…`` or as a path in a store; or nothing."""
    if text.startswith("@"):
        return f"sha256:{hex_of(text[1:])}"
    path = Path(text)
    if path.parent in [store / "blobs" for store in place.stores]:
        try:
            return f"sha256:{hex_of(path.name)}"
        except InvalidDigest:
            return ""
    return ""


def _blob_name(digest: str) -> str:
    return digest.replace(":", "-")


def _files(text: str, place: Place) -> list[LocalFile] | None:
    """The files that a path names; None: nothing is there, so it is no path."""
    path = None if place.folder is None else place.folder / _expanded(text)
    real = None if path is None else _real(text, path, place.root)
    if path is None or real is None:
        return None
    found = model_files(real) if real.is_dir() else [_single(path.name, real)]
    return found if place.root is None else [_kept_in(place.root, file) for file in found]


def _real(text: str, path: Path, root: Path | None) -> Path | None:
    """Where a path leads to; None: nowhere."""
    try:
        _check_inside(text, path, root)
        return path.resolve(strict=True)
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None
    except (OSError, RuntimeError) as error:
        if "/" not in text:  # too long for a file, say, and perhaps not for a model
            return None
        raise UnusableFiles.unreadable(text, error) from error


def _single(name: str, real: Path) -> LocalFile:
    file = msgspec.structs.replace(file_in(real.parent, real.name), name=name)
    file.open().close()
    return file


def _kept_in(root: Path, file: LocalFile) -> LocalFile:
    """Have it opened from the root on, so that no link put there later leads out."""
    real = root.resolve()
    if not file.path.is_relative_to(real):
        raise UnusableFiles.insecure(file.name, "")
    return msgspec.structs.replace(file, root=real, inside=file.path.relative_to(real).parts)


def _expanded(text: str) -> Path:
    """With the home of ``~``; where there is none, ``~user`` stays as it is."""
    try:
        return Path(text).expanduser()
    except (RuntimeError, ValueError):
        return Path(text)


def _check_inside(text: str, path: Path, root: Path | None) -> None:
    """Raise for what lies outside, whether it exists or not: that is nobody's business."""
    if root is not None and not path.resolve().is_relative_to(root.resolve()):
        raise UnusableFiles.insecure(text, "")


def _check_names(files: list[LocalFile]) -> None:
    names: set[str] = set()
    for file in files:
        if file.name in names:
            raise InvalidModelfile(f"two of the files that are named are called {file.name}")
        names.add(file.name)
