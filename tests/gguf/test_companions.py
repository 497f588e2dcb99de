"""The gate for projectors and adapters: one test per fault, and what it must let through."""

import gguf_writer as writer
import pytest
from gguf_writer import Tensor, Value, array, f32, flag, text, tiny_llama, u32
from tiny_lora import adapter
from tiny_vision import projector

from ollama_nb.errors import MalformedGGUF
from ollama_nb.gguf import check_adapter, check_model, check_projector

NAN, INFINITY = float("nan"), float("inf")
HALF, INT32_TYPE, Q8_0, Q8_K = 1, 26, 8, 15


@pytest.fixture
def passes(tmp_path):
    """Write a file and send it through a gate: its header, or the fault as text."""

    def passes(file, gate):
        path = tmp_path / "beside.gguf"
        path.write_bytes(file if isinstance(file, bytes) else file.encode())
        try:
            return gate(path)
        except MalformedGGUF as error:
            return error.fault

    return passes


@pytest.fixture
def see(passes):
    return lambda file: passes(file, check_projector)


@pytest.fixture
def adapt(passes):
    return lambda file: passes(file, check_adapter)


def vision(key, value):
    return projector().put(f"clip.vision.{key}", value)


# ---- projectors that must pass


def test_an_honest_projector_passes(see):
    assert see(projector()).architecture == "clip"


@pytest.mark.parametrize("kind", ["mmproj", "projector", None])
def test_old_projectors_say_it_by_their_architecture_alone(see, kind):
    file = projector().put("general.type", kind and text(kind))
    assert see(file).architecture == "clip"
    if kind:
        assert see(file.put("general.architecture", None)).architecture == "unknown"


def test_what_kinds_of_encoders_differ_in_passes(see):
    file = projector().put("general.name", text("seer")).put("clip.has_audio_encoder", flag(False))
    file.put("clip.minicpmv_version", Value(writer.INT32, 3)).put("clip.use_silu", flag(False))
    file.put("clip.vision.spatial_merge_size", u32(2)).put("clip.vision.n_wa_pattern", u32(0))
    file.put("clip.vision.projector.scale_factor", u32(3)).put("clip.projector_type", None)
    file.put("clip.vision.projector_type", text("idefics3")).put("clip.anything", u32(0))
    file.put("clip.vision.attention.head_count_kv", u32(1))
    file.put("clip.vision.something_else", Value(writer.FLOAT64, 0.5))
    assert see(file).architecture == "clip"


def test_image_mean_of_four_numbers_and_no_epsilon_to_speak_of(see):
    file = vision("image_mean", array(writer.FLOAT32, [0.5] * 4))
    assert see(file.put("clip.vision.attention.layer_norm_epsilon", f32(0))).version == 3
    assert see(file.put("clip.vision.image_std", None)).version == 3


def test_halves_and_quantised_weights_pass(see):
    file = projector()
    file.tensor("mm.0.weight").type = HALF
    file.tensor("v.blk.0.ffn_up.weight").type = Q8_0
    assert see(file).version == 3


# ---- projectors that must not


def test_what_is_no_projector(see):
    assert see(tiny_llama(width=8, hidden=8)) == "is no projector (image encoder)"
    assert see(adapter()) == "is no projector (image encoder)"
    assert "does not begin with GGUF" in see(b"\x89PNG\r\n\x1a\n")
    assert see(b"") == "is 0 bytes long, not a GGUF file"


def test_what_encodes_no_images(see):
    assert see(projector().put("clip.has_vision_encoder", None)) == "does not encode images"
    assert see(projector().put("clip.has_vision_encoder", flag(False))) == "does not encode images"
    empty = projector()
    empty.tensors = []
    assert see(empty) == "does not encode images"


def test_a_file_that_is_cut_off(see, adapt):
    assert "beyond the file" in see(projector().encode()[:-1])
    assert "beyond the file" in adapt(adapter().encode()[:-1])


@pytest.mark.parametrize(
    ("key", "value", "kind"),
    [
        ("general.name", u32(1), "a string"),
        ("general.description", array(writer.STRING, ["x"]), "a string"),
        ("clip.projector_type", u32(1), "a string"),
        ("clip.vision.projector_type", flag(True), "a string"),
        ("clip.vision.mm_patch_merge_type", u32(1), "a string"),
        ("clip.has_vision_encoder", u32(1), "a boolean"),
        ("clip.has_audio_encoder", u32(0), "a boolean"),
        ("clip.has_gen_audio_encoder", u32(0), "a boolean"),
        ("clip.use_gelu", u32(1), "a boolean"),
        ("clip.minicpmv_version", u32(3), "a 32-bit integer"),
        ("clip.vision.patch_size", Value(writer.UINT64, 8), "a 32-bit unsigned integer"),
        ("clip.vision.patch_size", Value(writer.INT32, 8), "a 32-bit unsigned integer"),
        ("clip.vision.feed_forward_length", text("64"), "a 32-bit unsigned integer"),
        ("clip.vision.projection_dim", f32(64), "a 32-bit unsigned integer"),
        ("clip.vision.image_max_pixels", Value(writer.UINT64, 8), "a 32-bit unsigned integer"),
        (
            "clip.vision.attention.layer_norm_epsilon",
            Value(writer.FLOAT64, 1e-5),
            "a 32-bit float",
        ),
    ],
)
def test_values_of_another_type_than_native_code_asserts(see, key, value, kind):
    assert see(projector().put(key, value)) == f"{key} is not {kind}"


@pytest.mark.parametrize("value", [None, u32(0), u32(1 << 31)])
@pytest.mark.parametrize(
    "key", ["embedding_length", "attention.head_count", "block_count", "patch_size", "image_size"]
)
def test_numbers_that_every_encoder_has(see, key, value):
    fault = see(vision(key, value))
    shown = None if value is None else value.data
    assert fault.startswith(f"clip.vision.{key} {shown} is not between 1 and ")


@pytest.mark.parametrize("key", ["spatial_merge_size", "projector.scale_factor"])
def test_numbers_that_some_encoders_divide_by(see, key):
    for number in (0, 65):
        fault = f"clip.vision.{key} {number} is not between 1 and 64"
        assert see(vision(key, u32(number))) == fault


def test_numbers_that_do_not_go_together(see):
    fault = "head_count 3 does not divide embedding_length 32"
    assert see(vision("attention.head_count", u32(3))) == fault
    assert see(vision("image_size", u32(7))) == "image_size is smaller than patch_size"
    grouped = vision("attention.head_count", u32(8)).put(
        "clip.vision.attention.head_count_kv", u32(3)
    )
    assert see(grouped) == "head_count_kv does not divide head_count"
    grouped.put("clip.vision.attention.head_count_kv", u32(0))
    assert see(grouped) == "clip.vision.attention.head_count_kv 0 is not between 1 and 8"


@pytest.mark.parametrize("epsilon", [NAN, INFINITY, -1.0])
def test_an_epsilon_that_is_no_positive_number(see, epsilon):
    fault = see(vision("attention.layer_norm_epsilon", f32(epsilon)))
    assert fault == f"layer_norm_epsilon {epsilon} is not a positive number"


def test_an_encoder_without_epsilon(see):
    fault = see(vision("attention.layer_norm_epsilon", None))
    assert fault == "layer_norm_epsilon None is not a positive number"


@pytest.mark.parametrize("key", ["image_mean", "image_std"])
def test_too_few_colours(see, key):
    fault = see(vision(key, array(writer.FLOAT32, [0.5, 0.5])))
    assert fault == f"{key} has 2 numbers for 3 colours"


def test_weights_that_nothing_multiplies(see, adapt):
    file = projector()
    file.tensor("v.blk.1.attn_q.weight").type = INT32_TYPE
    assert see(file) == "tensor 'v.blk.1.attn_q.weight' cannot be of type I32"
    file = adapter(rank=256)
    file.tensor("blk.0.attn_q.weight.lora_b").type = Q8_K
    fault = "tensor 'blk.0.attn_q.weight.lora_b' cannot be of type Q8_K"
    file.tensor("blk.0.attn_q.weight.lora_b").data = bytes(292 * 64)
    assert adapt(file) == fault


# ---- adapters


def test_an_honest_adapter_passes(adapt):
    assert adapt(adapter()).architecture == "llama"
    assert adapt(adapter(alpha=0.0)).architecture == "llama"


def test_adapters_of_experts_have_a_third_dimension(adapt):
    shape = {"blk.0.ffn_up_exps.weight": (8, 8)}
    file = adapter(shape)
    for tensor in file.tensors:
        tensor.shape, tensor.data = (*tensor.shape, 3), tensor.data * 3
    assert adapt(file).architecture == "llama"
    file.tensors[1].shape = (*file.tensors[1].shape[:2], 2)
    assert "are of different depth" in adapt(file)


def test_norms_beside_the_factors_pass(adapt):
    file = adapter()
    file.tensors.append(Tensor("blk.0.attn_norm.weight", (64,)))
    assert adapt(file).architecture == "llama"


def test_what_is_no_adapter(adapt):
    assert adapt(tiny_llama(width=8, hidden=8)) == "is no adapter"
    assert adapt(projector()) == "is no adapter"
    assert adapt(adapter().put("general.type", u32(1))) == "is no adapter"


def test_adapters_of_other_kinds(adapt):
    fault = "is an adapter of another kind than LoRA"
    assert adapt(adapter().put("adapter.type", text("control_vector"))) == fault
    assert adapt(adapter().put("adapter.type", None)) == fault
    assert adapt(adapter({})) == fault


def test_an_adapter_names_its_architecture(adapt):
    for value in (None, u32(1)):
        file = adapter().put("general.architecture", value)
        assert adapt(file) == "has no general.architecture"


@pytest.mark.parametrize(
    "alpha", [None, f32(NAN), f32(INFINITY), u32(8), text("8"), Value(writer.FLOAT64, 8.0)]
)
def test_an_alpha_that_is_no_number(adapt, alpha):
    shown = None if alpha is None else alpha.data
    fault = adapt(adapter().put("adapter.lora.alpha", alpha))
    assert fault == f"adapter.lora.alpha {shown} is not a 32-bit float"


@pytest.mark.parametrize("depth", [(3,), (1, 3)])
def test_factors_in_three_dimensions(adapt, depth):
    file = adapter()
    factor = file.tensor("blk.0.attn_q.weight.lora_a")
    factor.shape, factor.data = (*factor.shape, *depth), factor.data * 3
    assert adapt(file) == f"tensor {factor.name!r} has more than two dimensions"


def test_factors_of_the_embedding_that_do_not_meet(adapt):
    file = adapter({})
    file.tensors = [
        Tensor("token_embd.weight.lora_a", (4, 292)), Tensor("token_embd.weight.lora_b", (8, 64)),
    ]  # fmt: skip
    assert "are of different rank" in adapt(file)
    file.tensors[1].shape = (4, 64)
    assert adapt(file).architecture == "llama"


def test_a_model_gate_sends_both_where_they_belong(passes):
    assert "it goes beside its model" in passes(projector(), check_model)
    assert "beside its base model" in passes(adapter(), check_model)
