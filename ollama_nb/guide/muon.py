"""Muon: momentum whose update is made orthogonal, for the matrices of the blocks.

Torch's own does the orthogonalisation in bfloat16, which costs more than the rest of the step on a
processor without bfloat16 instructions; this one stays in float32 and takes equal shapes together.
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

_QUINTIC = (3.4445, -4.7750, 2.0315)
"""Coefficients of the Newton-Schulz step of Keller Jordan's Muon (2024)."""


class Muon(torch.optim.Optimizer):
    """Take orthogonal steps of `lr`; every parameter is a matrix."""

    def __init__(
        self,
        params: Iterable[dict[str, Any]],
        lr: float = 0.02,
        momentum: float = 0.95,
        rounds: int = 4,
    ) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum, "rounds": rounds})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:
        """Move every parameter that has a gradient."""
        for group in self.param_groups:
            alike: defaultdict[tuple[int, ...], list[tuple[Tensor, Tensor]]] = defaultdict(list)
            for parameter in group["params"]:
                if parameter.grad is not None:
                    update = self._momentum(parameter, group["momentum"])
                    alike[tuple(parameter.shape)].append((parameter, update))
            for (rows, columns), pairs in alike.items():
                updates = orthogonal(torch.stack([update for _, update in pairs]), group["rounds"])
                reach = group["lr"] * max(1, rows / columns) ** 0.5
                for (parameter, _), update in zip(pairs, updates, strict=True):
                    parameter.add_(update, alpha=-reach)

    def _momentum(self, parameter: Tensor, momentum: float) -> Tensor:
        state = self.state[parameter]
        if not state:
            state["average"] = torch.zeros_like(parameter)
        average: Tensor = state["average"].lerp_(parameter.grad, 1 - momentum)
        return torch.lerp(parameter.grad, average, momentum)


def orthogonal(matrices: Tensor, rounds: int) -> Tensor:
    """Bring the singular values of each matrix (the last two dimensions) near one."""
    if matrices.shape[-2] > matrices.shape[-1]:
        return orthogonal(matrices.mT, rounds).mT
    a, b, c = _QUINTIC
    x = matrices / (matrices.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(rounds):
        square = x @ x.mT
        x = a * x + (b * square + c * square @ square) @ x
    return x
