"""An image encoder in LLaVA's manner, with random weights, for the tiny llama of the tests."""

import base64
import io

import numpy as np
from gguf_writer import FLOAT32, File, Tensor, array, f32, flag, text, u32
from model_files import endless_weights
from PIL import Image

SIDE, PATCH = 32, 8
NUM_PATCHES = (SIDE // PATCH) ** 2
_WIDTH, _HIDDEN, _LAYERS = 32, 64, 2
_MODEL_WIDTH = 64


def seeing_weights(context: int = 4096) -> bytes:
    """The model itself."""
    return endless_weights(context)


def projector() -> File:
    """An encoder of 32 x 32 pixels into 16 patches."""
    draw = np.random.default_rng(5)
    tensors = []

    def add(name, *shape, scale=0.3):
        data = (draw.standard_normal(shape[::-1]) * scale).astype("<f4").tobytes()
        tensors.append(Tensor(name, shape, data=data))

    def norm(name):
        tensors.append(Tensor(f"{name}.weight", (_WIDTH,), data=np.ones(_WIDTH, "<f4").tobytes()))
        add(f"{name}.bias", _WIDTH)

    add("v.patch_embd.weight", PATCH, PATCH, 3, _WIDTH, scale=0.1)
    add("v.position_embd.weight", _WIDTH, NUM_PATCHES)
    norm("v.pre_ln")
    norm("v.post_ln")
    for layer in range(_LAYERS):
        prefix = f"v.blk.{layer}"
        norm(f"{prefix}.ln1")
        norm(f"{prefix}.ln2")
        for name, rows, columns in (
            ("attn_q", _WIDTH, _WIDTH), ("attn_k", _WIDTH, _WIDTH), ("attn_v", _WIDTH, _WIDTH),
            ("attn_out", _WIDTH, _WIDTH), ("ffn_up", _WIDTH, _HIDDEN),
            ("ffn_down", _HIDDEN, _WIDTH),
        ):  # fmt: skip
            add(f"{prefix}.{name}.weight", rows, columns)
            add(f"{prefix}.{name}.bias", columns)
    for number, rows in ((0, _WIDTH), (2, _MODEL_WIDTH)):
        add(f"mm.{number}.weight", rows, _MODEL_WIDTH)
        add(f"mm.{number}.bias", _MODEL_WIDTH)
    metadata = {
        "general.architecture": text("clip"),
        "general.type": text("mmproj"),
        "clip.has_vision_encoder": flag(True),
        "clip.projector_type": text("mlp"),
        "clip.use_gelu": flag(True),
        "clip.vision.image_size": u32(SIDE),
        "clip.vision.patch_size": u32(PATCH),
        "clip.vision.embedding_length": u32(_WIDTH),
        "clip.vision.feed_forward_length": u32(_HIDDEN),
        "clip.vision.block_count": u32(_LAYERS),
        "clip.vision.projection_dim": u32(_MODEL_WIDTH),
        "clip.vision.attention.head_count": u32(2),
        "clip.vision.attention.layer_norm_epsilon": f32(1e-5),
        "clip.vision.image_mean": array(FLOAT32, [0.5] * 3),
        "clip.vision.image_std": array(FLOAT32, [0.5] * 3),
    }
    return File(metadata, tensors)


def picture(colour, size=(SIDE, SIDE), form="PNG", **options) -> str:
    """A plain image, in base64 as the API takes it."""
    with io.BytesIO() as file:
        Image.new("RGB", size, colour).save(file, form, **options)
        return base64.b64encode(file.getvalue()).decode()
