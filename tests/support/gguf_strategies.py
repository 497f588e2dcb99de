"""Hypothesis strategies for GGUF files."""

import struct

import gguf_writer as writer
from gguf_writer import File, Tensor, Value
from hypothesis import strategies as st

_BOUNDS = {
    writer.UINT8: (0, 2**8 - 1),
    writer.INT8: (-(2**7), 2**7 - 1),
    writer.UINT16: (0, 2**16 - 1),
    writer.INT16: (-(2**15), 2**15 - 1),
    writer.UINT32: (0, 2**32 - 1),
    writer.INT32: (-(2**31), 2**31 - 1),
    writer.UINT64: (0, 2**64 - 1),
    writer.INT64: (-(2**63), 2**63 - 1),
}
_texts = st.text(st.characters(codec="utf-8"), max_size=20)
_keys = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=20)
_scalars = {kind: st.integers(*bounds) for kind, bounds in _BOUNDS.items()} | {
    writer.FLOAT32: st.floats(width=32, allow_nan=False),
    writer.FLOAT64: st.floats(allow_nan=False),
    writer.BOOL: st.booleans(),
    writer.STRING: _texts,
}


@st.composite
def values(draw):
    kind = draw(st.sampled_from(sorted(_scalars)))
    if draw(st.booleans()):
        return Value(writer.ARRAY, draw(st.lists(_scalars[kind], max_size=8)), kind)
    return Value(kind, draw(_scalars[kind]))


@st.composite
def files(draw):
    """A sound file: any keys, any values, a few tensors."""
    metadata = draw(
        st.dictionaries(_keys.filter(lambda key: key != "general.alignment"), values(), max_size=6)
    )
    alignment = draw(st.sampled_from([8, 32, 64, 4096]))
    if alignment != 32:
        metadata["general.alignment"] = writer.u32(alignment)
    names = draw(
        st.lists(_keys.filter(lambda key: len(key.encode()) < 64), unique=True, max_size=4)
    )
    shapes = st.lists(st.integers(1, 5), max_size=4)
    tensors = [Tensor(name, draw(shapes)) for name in names]
    return File(metadata, tensors, draw(st.sampled_from([2, 3])), alignment=alignment)


def flip(data: bytes, places: list[int]) -> bytes:
    """Flip the bits at these positions (counted in bits, wrapped to the data)."""
    changed = bytearray(data)
    for place in places:
        changed[place // 8 % len(changed)] ^= 1 << place % 8
    return bytes(changed)


def overwrite(data: bytes, place: int, number: int) -> bytes:
    """Write a 64-bit number somewhere."""
    place %= len(data) - 8
    return data[:place] + struct.pack("<Q", number) + data[place + 8 :]
