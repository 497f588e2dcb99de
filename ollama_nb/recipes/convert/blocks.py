"""Whether a model is all there: every block has what the first one has, in the same shape."""

import re
from collections.abc import Sequence

from ollama_nb.errors import Unconvertible

from .outputs import Output

_BLOCK = re.compile(r"blk\.(\d+)\.(.+)")


def check_complete(outputs: Sequence[Output], blocks: int) -> None:
    """Raise Unconvertible for a tensor that occurs twice, is missing or differs."""
    shapes: dict[str, tuple[int, ...]] = {}
    for output in outputs:
        if output.name in shapes:
            raise Unconvertible.duplicate(output.name)
        shapes[output.name] = output.shape
    parts = {match[2] for match in map(_BLOCK.match, shapes) if match}
    if not parts:
        raise Unconvertible.tensor("blk.0", "is missing")
    for part in sorted(parts):
        first = shapes.get(f"blk.0.{part}")
        for block in range(blocks):
            name = f"blk.{block}.{part}"
            if name not in shapes:
                raise Unconvertible.tensor(name, "is missing")
            if shapes[name] != first:
                raise Unconvertible.tensor(
                    name, f"has the shape {list(shapes[name])}, in the first block it is {first}"
                )
