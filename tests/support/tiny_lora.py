"""LoRA adapters with random factors, for the tiny llama of the tests."""

import numpy as np
from gguf_writer import File, Tensor, f32, text

WIDTH, HIDDEN = 64, 128
ATTENTION = {"blk.0.attn_q.weight": (WIDTH, WIDTH), "blk.1.attn_output.weight": (WIDTH, WIDTH)}
FEED_FORWARD = {"blk.0.ffn_up.weight": (WIDTH, HIDDEN), "blk.1.ffn_down.weight": (HIDDEN, WIDTH)}


def adapter(
    shapes: dict[str, tuple[int, int]] = ATTENTION,
    *,
    seed: int = 1,
    scale: float = 0.5,
    alpha: float = 8.0,
    rank: int = 4,
) -> File:
    """Factors for weights of these names and shapes (columns, rows)."""
    draw = np.random.default_rng(seed)
    tensors = []
    for name, (columns, rows) in shapes.items():
        for part, shape in (("a", (columns, rank)), ("b", (rank, rows))):
            data = (draw.standard_normal(shape[::-1]) * scale).astype("<f4").tobytes()
            tensors.append(Tensor(f"{name}.lora_{part}", shape, data=data))
    metadata = {
        "general.architecture": text("llama"),
        "general.type": text("adapter"),
        "adapter.type": text("lora"),
        "adapter.lora.alpha": f32(alpha),
    }
    return File(metadata, tensors)
