"""An image encoder in LLaVA's manner, with random weights, for the tiny llama of the tests."""

import base64
import io

import numpy as np
from gguf_writer import FLOAT32, INT32, File, Tensor, array, f32, flag, text, u32
from model_files import endless_model
from PIL import Image

SIDE, PATCH = 32, 8
NUM_PATCHES = (SIDE // PATCH) ** 2
_WIDTH, _HIDDEN, _LAYERS = 32, 64, 2
_MODEL_WIDTH = 64


def seeing_weights(context: int = 4096) -> bytes:
    """The model itself."""
    return endless_model(context).encode()


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


def weights_in_two_dimensions() -> bytes:
    """A model whose text counts images by their longer side (M-RoPE), as Qwen2-VL does."""
    model = endless_model(4096)
    model.metadata = {
        key.replace("llama.", "qwen2vl."): value for key, value in model.metadata.items()
    }
    model.put("general.architecture", text("qwen2vl"))
    model.put("qwen2vl.rope.dimension_sections", array(INT32, [4, 2, 2, 0]))
    for weight in list(model.tensors):
        if weight.name.endswith(("attn_q.weight", "attn_k.weight", "attn_v.weight")):
            model.tensors.append(Tensor(weight.name.replace("weight", "bias"), weight.shape[1:]))
    return model.encode()


def projector_in_two_dimensions() -> File:
    """Its encoder, which takes images of any size and joins four patches to one."""
    draw = np.random.default_rng(6)
    file = projector().put("clip.projector_type", text("qwen2vl_merger"))
    left_out = ("mm.", "v.position_embd", "v.pre_ln")
    file.tensors = [one for one in file.tensors if not one.name.startswith(left_out)]
    for name, *shape in (
        ("v.patch_embd.weight.1", PATCH, PATCH, 3, _WIDTH),
        ("mm.0.weight", 4 * _WIDTH, 4 * _WIDTH), ("mm.0.bias", 4 * _WIDTH),
        ("mm.2.weight", 4 * _WIDTH, _MODEL_WIDTH), ("mm.2.bias", _MODEL_WIDTH),
    ):  # fmt: skip
        data = (0.2 * draw.standard_normal(shape[::-1])).astype("<f4").tobytes()
        file.tensors.append(Tensor(name, shape, data=data))
    return file


def picture(colour, size=(SIDE, SIDE), form="PNG", **options) -> str:
    """A plain image, in base64 as the API takes it."""
    with io.BytesIO() as file:
        Image.new("RGB", size, colour).save(file, form, **options)
        return base64.b64encode(file.getvalue()).decode()
