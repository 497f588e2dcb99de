"""Which files of a directory make a model (reference: models, 4.3).

The first group of weights that is there and looks as it should, and what a checkpoint has beside.
PyTorch's own files are programs; they are named in the error and never read.
"""

import os
from fnmatch import fnmatchcase
from pathlib import Path

from ollama_nb.errors import UnusableFiles

from .converting import is_checkpoint
from .local_files import LocalFile, file_in

_WEIGHTS = (
    "model*.safetensors",
    "*/model*.safetensors",
    "consolidated*.safetensors",
    "adapter_model*.safetensors",
    "*.safetensors",
    "*.gguf",
)
_PROGRAMS = ("pytorch_model*.bin", "consolidated*.pth", "*.bin", "*.pth", "*.pt")
_SMALL = ("*.json", "*/*.json", "chat_template.jinja", "vocab.txt")
_TOKENIZERS = ("tokenizer.model", "*/tokenizer.model")

_TEXT = "text/plain"
_MAX_ENTRIES, _MAX_FILES = 20_000, 4_096
_SNIFFED = 512
_CONTROL = bytes({*range(0x20)} - {0x09, 0x0A, 0x0C, 0x0D, 0x1B})
_SIGNATURES = (
    (b"PK\x03\x04", "application/zip"),
    (b"\x1f\x8b\x08", "application/x-gzip"),
    (b"%PDF-", "application/pdf"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
)
_HTML = (b"<!doctype html", b"<html", b"<head", b"<body", b"<?xml")
_GGUF = b"GGUF"
_POINTER = b"version https://git-lfs"


def model_files(folder: Path) -> list[LocalFile]:
    """List the files that make a model, weights first. Raises UnusableFiles. Reads their heads."""
    try:
        root = folder.resolve(strict=True)
        names = _names(root)
    except OSError as error:
        raise UnusableFiles.unreadable(folder.name or str(folder), error) from error
    weights = _binary(root, names, _WEIGHTS) or _old_gguf(root, names)
    if not weights:
        raise _nothing(root, names)
    converted = is_checkpoint(file.name for file in weights)
    found = [*weights, *_beside(root, names)] if converted else weights
    if len(found) > _MAX_FILES:
        raise _too_many(_MAX_FILES)
    return found


def _beside(root: Path, names: list[str]) -> list[LocalFile]:
    """What a checkpoint's weights do not say: GGUF says all, and takes none of it."""
    small = [file for pattern in _SMALL for file in _files(root, names, pattern)]
    for file in small:
        kind = _content_type(_head(file))
        if kind != _TEXT:
            raise UnusableFiles(f"invalid content type: expected {kind} for {file.name}")
    return [*small, *_binary(root, names, _TOKENIZERS)]


def _names(root: Path) -> list[str]:
    """Files in the folder and one level down, sorted; hidden ones are editors' and downloaders'."""
    names: list[str] = []
    folders: list[str] = []
    for name in _listed(root):
        (folders if (root / name).is_dir() else names).append(name)
    for inner in folders:
        names += (f"{inner}/{name}" for name in _listed(_inside(root, inner)))
        if len(names) > _MAX_ENTRIES:
            raise _too_many(_MAX_ENTRIES)
    return sorted(names)


def _listed(folder: Path | None) -> list[str]:
    names: list[str] = []
    if folder is not None:
        with os.scandir(folder) as entries:
            for entry in entries:
                names.append(entry.name)
                if len(names) > _MAX_ENTRIES:
                    raise _too_many(_MAX_ENTRIES)
    return [name for name in names if name.isprintable() and not name.startswith(".")]


def _inside(root: Path, name: str) -> Path | None:
    """A folder to look into: one that we may read and that is no link out."""
    folder = (root / name).resolve()
    readable = os.access(folder, os.R_OK | os.X_OK)
    return folder if readable and folder.is_relative_to(root) else None


def _binary(root: Path, names: list[str], patterns: tuple[str, ...]) -> list[LocalFile]:
    """The first group that is there and has no text in it, such as a Git LFS pointer."""
    for pattern in patterns:
        files = _files(root, names, pattern)
        if files and not any(_content_type(_head(file)).startswith("text/") for file in files):
            return files
    return []


def _old_gguf(root: Path, names: list[str]) -> list[LocalFile]:
    """GGUF under the name that most programs take for a pickle's."""
    return [file for file in _files(root, names, "*.bin") if _head(file).startswith(_GGUF)]


def _files(root: Path, names: list[str], pattern: str) -> list[LocalFile]:
    files = [file_in(root, name) for name in _matching(names, pattern)]
    return [file for file in files if not file.path.is_dir()]


def _matching(names: list[str], pattern: str) -> list[str]:
    """Names that fit; no ``*`` stands for a slash."""
    depth = pattern.count("/")
    return [name for name in names if name.count("/") == depth and fnmatchcase(name, pattern)]


def _nothing(root: Path, names: list[str]) -> UnusableFiles:
    text = "no Modelfile or safetensors files found"
    for pattern in _WEIGHTS:
        for file in _files(root, names, pattern):
            if _head(file).startswith(_POINTER):
                return UnusableFiles(f"{text}: {file.name} is a Git LFS pointer; run: git lfs pull")
    programs = [name for pattern in _PROGRAMS for name in _matching(names, pattern)]
    if programs:
        return UnusableFiles(
            f"{text}: {programs[0]} is a pickle, a program, and is not read; "
            "save the model as safetensors"
        )
    return UnusableFiles(text)


def _too_many(limit: int) -> UnusableFiles:
    return UnusableFiles(f"more than {limit} files in one directory")


def _head(file: LocalFile) -> bytes:
    with file.reading() as opened:
        return opened.read(_SNIFFED)


def _content_type(head: bytes) -> str:
    """What Go's net/http would take it for, as far as it matters here."""
    if head.lstrip(b"\t\n\x0c\r ").lower().startswith(_HTML):
        return "text/html"
    for signature, kind in _SIGNATURES:
        if head.startswith(signature):
            return kind
    return "application/octet-stream" if head.translate(None, _CONTROL) != head else _TEXT
