"""The network: a small Llama in torch.

Knows nothing of texts, tokens' meaning or files. Rotary positions turn neighbouring pairs
(2i, 2i+1), as llama.cpp does; Hugging Face pairs the halves of a head, which `export.py` knows.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from .shape import Shape


class Norm(nn.Module):
    """Scale to unit root mean square, then by a learned weight."""

    def __init__(self, width: int, epsilon: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.epsilon = epsilon

    def forward(self, x: Tensor) -> Tensor:
        """Normalise the last dimension."""
        return functional.rms_norm(x, (x.shape[-1],), self.weight, self.epsilon)


class Attention(nn.Module):
    """Causal self-attention with rotary positions."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.heads = shape.heads
        self.q = nn.Linear(shape.width, shape.width, bias=False)
        self.k = nn.Linear(shape.width, shape.width, bias=False)
        self.v = nn.Linear(shape.width, shape.width, bias=False)
        self.output = nn.Linear(shape.width, shape.width, bias=False)

    def forward(self, x: Tensor, turns: Tensor) -> Tensor:
        """Attend to this and all earlier positions."""
        rows, length, width = x.shape
        split = (rows, length, self.heads, width // self.heads)
        q = rotate(self.q(x).view(split), turns).transpose(1, 2)
        k = rotate(self.k(x).view(split), turns).transpose(1, 2)
        v = self.v(x).view(split).transpose(1, 2)
        mixed = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.output(mixed.transpose(1, 2).reshape(rows, length, width))


class FeedForward(nn.Module):
    """The gated feed-forward layer (SwiGLU)."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.gate = nn.Linear(shape.width, shape.feed_forward, bias=False)
        self.up = nn.Linear(shape.width, shape.feed_forward, bias=False)
        self.down = nn.Linear(shape.feed_forward, shape.width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Map each position on its own."""
        return self.down(functional.silu(self.gate(x)) * self.up(x))


class Block(nn.Module):
    """One transformer block: attention, then feed-forward, each added to the stream."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.attention_norm = Norm(shape.width, shape.norm_epsilon)
        self.attention = Attention(shape)
        self.feed_forward_norm = Norm(shape.width, shape.norm_epsilon)
        self.feed_forward = FeedForward(shape)

    def forward(self, x: Tensor, turns: Tensor) -> Tensor:
        """Pass the stream through the block."""
        x = x + self.attention(self.attention_norm(x), turns)
        return x + self.feed_forward(self.feed_forward_norm(x))


class Network(nn.Module):
    """Token ids in, logits out.

    The output matrix is its own. Tied to the embedding, the words of questions, which the model
    itself never says, drifted together under Adam, and it learned answers but not which to give.
    """

    turns: Tensor

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.embedding = nn.Embedding(shape.vocabulary, shape.width)
        self.blocks = nn.ModuleList(Block(shape) for _ in range(shape.blocks))
        self.norm = Norm(shape.width, shape.norm_epsilon)
        self.register_buffer("turns", _turns(shape), persistent=False)
        self.output = nn.Linear(shape.width, shape.vocabulary, bias=False)
        self._initialise()

    def forward(self, tokens: Tensor, wanted: Tensor | None = None) -> Tensor:
        """Return logits at the wanted flat positions (default: everywhere, as rows of one matrix).

        The output matrix is a fifth of the work, and two thirds of all positions are prompt.
        """
        return self.say(self.read(tokens), wanted)

    def read(self, tokens: Tensor) -> Tensor:
        """Return the stream half-way, where it should be known what is meant."""
        x: Tensor = self.embedding(tokens)
        return self._through(0, len(self.blocks) // 2, x)

    def say(self, stream: Tensor, wanted: Tensor | None = None) -> Tensor:
        """Return the logits that follow from the stream half-way."""
        x = self._through(len(self.blocks) // 2, len(self.blocks), stream).flatten(0, 1)
        if wanted is not None:
            x = x[wanted]
        logits: Tensor = self.output(self.norm(x))
        return logits

    def _through(self, first: int, end: int, x: Tensor) -> Tensor:
        turns = self.turns[:, : x.shape[1]]
        for at in range(first, end):
            x = self.blocks[at](x, turns)
        return x

    def _initialise(self) -> None:
        """Begin with blocks that add nothing: the stream then carries the tokens unharmed."""
        nn.init.normal_(self.embedding.weight)
        nn.init.normal_(self.output.weight, std=0.02)
        for name, parameter in self.blocks.named_parameters():
            if name.endswith(("output.weight", "down.weight")):
                nn.init.zeros_(parameter)
            elif parameter.ndim == 2:
                nn.init.normal_(parameter, std=(2 * parameter.shape[1]) ** -0.5)


def rotate(x: Tensor, turns: Tensor) -> Tensor:
    """Turn neighbouring pairs of each head by their position's angles (cosines, then sines)."""
    cosine, sine = turns[:, :, None].unbind()
    even, odd = x.unflatten(-1, (-1, 2)).unbind(-1)
    return torch.stack((even * cosine - odd * sine, even * sine + odd * cosine), -1).flatten(-2)


def _turns(shape: Shape) -> Tensor:
    """Return cosines and sines of the angles: 2 x positions x pairs of a head."""
    exponents = torch.arange(0, shape.head_width, 2) / shape.head_width
    angles = torch.outer(torch.arange(shape.context), shape.rope_base**-exponents)
    return torch.stack((angles.cos(), angles.sin()))
