"""A tensor of the file that is made: what it is made of, and in which type it is stored.

Knows numbers and types; knows nothing of models. Memory is a few MiB for a tensor that stays as it
is, and twice the tensor for one that is changed.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import prod
from typing import Any, Final, Protocol

import numpy as np
from gguf import GGMLQuantizationType as Type
from numpy.typing import NDArray

from .safetensors import STORED, Tensor

Array = NDArray[Any]
Change = Callable[[Array], Array]

_PIECE: Final = 512 << 10
"""Elements that are read at once: memory of this size is used again, larger pieces cost thrice."""
_NUMPY: Final[dict[Type, np.dtype[Any]]] = {
    Type.F32: STORED["F32"], Type.F16: STORED["F16"], Type.BF16: STORED["BF16"]
}  # fmt: skip
_ALWAYS_SINGLE: Final = ("ffn_gate_inp.weight", "position_embd.weight", "token_types.weight")


class Source(Protocol):
    """Where numbers come from: a tensor of a checkpoint, or a Computed."""

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def dtype(self) -> str: ...  # noqa: D102
    @property
    def shape(self) -> tuple[int, ...]: ...  # noqa: D102
    def read(self, start: int = 0, count: int | None = None) -> Array: ...  # noqa: D102


class Computed:
    """Numbers that no file holds."""

    dtype = "F32"

    def __init__(self, name: str, values: Array) -> None:
        self.name = name
        self.shape = values.shape
        self._values = values.astype("<f4").reshape(-1)

    def read(self, start: int = 0, count: int | None = None) -> Array:
        """As a tensor's."""
        return self._values[start : None if count is None else start + count]


@dataclass(frozen=True, slots=True)
class Output:
    """A tensor by its name in the GGUF; several ``parts`` are stacked.

    ``change`` gets each part in the type in which it is stored.
    """

    name: str
    parts: tuple[Source, ...]
    change: Change | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """Rows first, as numpy has it."""
        one = self.parts[0].shape
        return one if len(self.parts) == 1 else (len(self.parts), *one)

    @property
    def count(self) -> int:
        """Its number of elements."""
        return prod(self.shape)

    def type(self, *, single: bool) -> Type:
        """The type in which it is stored. ``single``: float32 stays what it is."""
        dtypes = {part.dtype for part in self.parts}
        if (
            len(self.shape) < 2
            or self.name.endswith(_ALWAYS_SINGLE)
            or (single and "F32" in dtypes)
        ):
            return Type.F32
        return Type.BF16 if dtypes == {"BF16"} else Type.F16

    def unchanged(self, type: Type) -> list[Tensor]:
        """What it is made of if its bytes stay as they are, nothing otherwise."""
        tensors = [part for part in self.parts if isinstance(part, Tensor)]
        same = all(STORED.get(part.dtype) == _NUMPY[type] for part in tensors)
        return tensors if same and not self.change and len(tensors) == len(self.parts) else []

    def pieces(self, type: Type) -> Iterator[Array]:
        """Its numbers one after the other. Raises Unconvertible."""
        for part in self.parts:
            if self.change:
                whole = stored_as(part.read(), part.dtype, type).reshape(part.shape)
                yield np.ascontiguousarray(self.change(whole))
                continue
            count = prod(part.shape)
            for start in range(0, count, _PIECE):
                piece = part.read(start, min(_PIECE, count - start))
                yield stored_as(piece, part.dtype, type)


def stored_as(values: Array, dtype: str, type: Type) -> Array:
    """The same numbers in another type; bfloat16 as its bits."""
    if _NUMPY[type] == values.dtype:
        return values
    if dtype == "BF16":
        values = (values.astype("<u4") << 16).view("<f4")
    with np.errstate(over="ignore"):  # too large for float16 is infinite, as everywhere
        return values.astype(_NUMPY[type])


def size_of(type: Type) -> int:
    """Bytes of an element."""
    return _NUMPY[type].itemsize
