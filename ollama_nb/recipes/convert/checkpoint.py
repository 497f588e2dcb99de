"""A checkpoint: files under the names that Hugging Face gives them, wherever they really are.

Knows which files there are and how large they may be; knows nothing of what is in them.
"""

import json
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from ollama_nb.errors import Unconvertible

from .safetensors import Tensor, read_tensors

MAX_TEXT: Final = 128 << 20
"""Tokenizers of a quarter million tokens take 33 MB."""
_SUFFIX: Final = ".safetensors"


class Checkpoint:
    """Files by their relative names."""

    def __init__(self, files: Mapping[str, Path]) -> None:
        """Take the names, with slashes, and the place of each."""
        self._files = dict(files)

    def __contains__(self, name: str) -> bool:
        return name in self._files

    def read(self, name: str) -> bytes:
        """A file that is no weights, whole. Raises Unconvertible."""
        path = self._files.get(name)
        if path is None:
            raise Unconvertible.parse(name, "file does not exist")
        try:
            # Without O_NONBLOCK, a pipe would hold us here.
            with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
                status = os.fstat(file.fileno())
                if not stat.S_ISREG(status.st_mode):
                    raise Unconvertible.parse(name, "not a regular file")
                if status.st_size > MAX_TEXT:
                    raise Unconvertible.parse(name, f"larger than {MAX_TEXT >> 20} MiB")
                return file.read(status.st_size)
        except OSError as error:
            raise Unconvertible.parse(name, error.strerror) from error

    def text(self, name: str) -> str:
        """A file of text. Raises Unconvertible."""
        try:
            return self.read(name).decode("utf-8")
        except UnicodeDecodeError as error:
            raise Unconvertible.parse(name, "not UTF-8") from error

    def document(self, name: str) -> dict[str, Any]:
        """A JSON object. Raises Unconvertible."""
        text = self.text(name)
        try:
            document = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise Unconvertible.parse(name, error) from error
        if not isinstance(document, dict):
            raise Unconvertible.parse(name, "not an object")
        return document

    def document_or_none(self, name: str) -> dict[str, Any]:
        """A JSON object, empty if there is no such file. Raises Unconvertible."""
        return self.document(name) if name in self._files else {}

    def tensors(self) -> dict[str, Tensor]:
        """All tensors by their names, in the order of the files. Raises Unconvertible."""
        names = sorted(name for name in self._files if name.endswith(_SUFFIX))
        if not names:
            raise Unconvertible.tensor_format()
        found: dict[str, Tensor] = {}
        for name in names:
            for tensor in read_tensors(self._files[name], name):
                if tensor.name in found:
                    raise Unconvertible.duplicate(tensor.name)
                found[tensor.name] = tensor
        return found
