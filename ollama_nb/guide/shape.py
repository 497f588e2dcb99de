"""The sizes of the network, as training and every file of the model know them. Needs no torch."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Shape:
    """The sizes of the network; every width is a multiple of 32, the block length of q8_0."""

    vocabulary: int = 4096
    width: int = 256
    blocks: int = 4
    heads: int = 4
    feed_forward: int = 512
    context: int = 2048
    rope_base: float = 10_000.0
    norm_epsilon: float = 1e-5

    @property
    def head_width(self) -> int:
        """Return the width of one attention head."""
        return self.width // self.heads
