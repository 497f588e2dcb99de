"""What is known of a GGUF file once its header is read.

Plain records; knows nothing of how they are read or judged.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import NoReturn

from ollama_nb.errors import MalformedGGUF

from .arrays import ArrayRef, Scalar, read_array
from .types import TensorType, file_type_name, parameter_size

_ENCODERS = frozenset((
    "bert", "eurobert", "jina-bert-v2", "jina-bert-v3", "modern-bert", "neo-bert", "nomic-bert",
    "nomic-bert-moe", "t5encoder",
))  # fmt: skip
"""Architectures that llama.cpp cannot generate with."""
_MEAN = 1


@dataclass(frozen=True, slots=True)
class TensorInfo:
    """One tensor; ``shape`` in file order, ``offset`` from the beginning of the data."""

    name: str
    shape: tuple[int, ...]
    type: TensorType
    offset: int
    size_bytes: int

    @property
    def elements(self) -> int:
        """The number of elements (1 for a tensor without dimensions)."""
        return prod(self.shape)


@dataclass(frozen=True, slots=True)
class Header:
    """A GGUF file's header. ``warnings`` and ``marked`` are filled by the gate."""

    path: Path
    version: int
    alignment: int
    metadata: dict[str, Scalar | ArrayRef]
    tensors: tuple[TensorInfo, ...]
    data_offset: int
    file_size: int
    warnings: tuple[str, ...] = ()
    marked: tuple[int, ...] = ()
    """Ids of all tokens that llama.cpp may take for control tokens, and some more."""
    types: Mapping[str, int] = field(default_factory=dict)
    """The number of each key's value type: some readers in llama.cpp assert on it."""
    spans: Mapping[str, range] = field(default_factory=dict)
    """Which bytes of the file hold each key with its value."""

    @property
    def architecture(self) -> str:
        """``general.architecture``, or "unknown"."""
        value = self.metadata.get("general.architecture")
        return value if isinstance(value, str) and value else "unknown"

    @property
    def parameter_count(self) -> int:
        """The number of elements in all tensors."""
        return sum(tensor.elements for tensor in self.tensors)

    @property
    def parameter_size(self) -> str:
        """The parameter count as Ollama writes it ("6.10M")."""
        return parameter_size(self.parameter_count)

    @property
    def file_type_name(self) -> str:
        """The quantization as Ollama names it ("Q8_0"), or "unknown"."""
        return file_type_name(self.metadata.get("general.file_type"))

    @property
    def chat_template(self) -> str | None:
        """The Jinja chat template, if the file carries one."""
        value = self.metadata.get("tokenizer.chat_template")
        return value if isinstance(value, str) else None

    @property
    def pooling(self) -> int | None:
        """How a model made for embeddings makes one vector of many, by llama.cpp's number.

        None: it generates. An encoder without the key takes the mean, as most do.
        """
        value = self.get("pooling_type")
        if isinstance(value, int):
            return value
        encodes = self.get("attention.causal") is False or self.architecture in _ENCODERS
        return _MEAN if encodes else None

    def get(self, key: str) -> Scalar | ArrayRef | None:
        """Look up a key; without ``general.`` or ``tokenizer.`` it is one of the architecture's."""
        if key.startswith(("general.", "tokenizer.")):
            return self.metadata.get(key)
        return self.metadata.get(f"{self.architecture}.{key}", self.metadata.get(key))

    def read_array(self, ref: ArrayRef) -> list[Scalar]:
        """Fetch an array from the file; strings that are not UTF-8 get replacement characters."""
        return read_array(self.path, ref)

    def refuse(self, fault: str) -> NoReturn:
        """Raise MalformedGGUF for this file."""
        raise MalformedGGUF(self.path.name, fault)
