"""check_model: one test per fault, and as carefully what it must let through."""

import gguf_writer as writer
import pytest
from gguf_writer import SMALLEST, Tensor, array, f32, flag, text, tiny_llama, u32

from ollama_nb.errors import MalformedGGUF
from ollama_nb.gguf import check_model


@pytest.fixture
def gate(tmp_path):
    """Write a file and send it through the gate: its header, or the fault as text."""

    def pass_through(file):
        path = tmp_path / "model.gguf"
        path.write_bytes(file if isinstance(file, bytes) else file.encode())
        try:
            return check_model(path)
        except MalformedGGUF as error:
            return error.fault

    return pass_through


@pytest.fixture
def base():
    return tiny_llama(width=8, hidden=8)


def ints(*numbers):
    return array(writer.INT32, numbers)


def tokens_of(file):
    return list(file.metadata["tokenizer.ggml.tokens"].data)


def with_tokens(file, texts):
    return file.put("tokenizer.ggml.tokens", array(writer.STRING, texts))


def hybrid(architecture, **values):
    """The tiny llama under another architecture's name, without attention in block 1."""
    file = tiny_llama(width=8, hidden=8)
    file.metadata = {
        key.replace("llama.", f"{architecture}.", 1): value for key, value in file.metadata.items()
    }
    file.tensors = [t for t in file.tensors if not t.name.startswith("blk.1.attn_")]
    file.put("general.architecture", text(architecture))
    for key, value in values.items():
        file.put(f"{architecture}." + key.replace("__", "."), value)
    return file


# ---- what must pass


def test_a_plain_model_passes(gate, base):
    header = gate(base)
    assert header.architecture == "llama"
    assert header.warnings == ()


def test_version_2_and_alignment_64_pass(gate, base):
    base.version = 2
    base.alignment = 64
    assert gate(base.set(general__alignment=u32(64))).alignment == 64


def test_a_sentencepiece_model_passes(gate):
    assert gate(tiny_llama(width=8, hidden=8, spm=True)).architecture == "llama"


def test_hybrid_models_have_zeros_in_their_head_arrays(gate):
    file = hybrid("lfm2", attention__head_count_kv=ints(2, 0))
    assert gate(file).architecture == "lfm2"
    file = hybrid("deci", attention__head_count=ints(4, 0), attention__head_count_kv=ints(2, 0))
    assert gate(file).architecture == "deci"
    file = hybrid("nemotron_h", feed_forward_length=ints(0, 8))
    assert gate(file).architecture == "nemotron_h"


@pytest.mark.parametrize("state", ["ssm.conv_kernel", "wkv.head_size"])
def test_recurrent_models_say_zero_heads_and_zero_width(gate, state):
    file = hybrid("mamba", attention__head_count=u32(0), feed_forward_length=u32(0))
    assert isinstance(gate(file), str)
    assert gate(file.put(f"mamba.{state}", u32(4))).architecture == "mamba"
    file.put("mamba.attention.head_count_kv", ints(0, 0))
    assert gate(file).architecture == "mamba"


def test_an_unknown_architecture_needs_only_blocks_and_a_tokenizer(gate):
    file = tiny_llama(width=8, hidden=8).put("general.architecture", text("new-arch"))
    file.metadata = {k: v for k, v in file.metadata.items() if not k.startswith("llama.")}
    assert gate(file) == "is no complete model, it has no new-arch.block_count"
    assert gate(file.put("new-arch.block_count", u32(2))).architecture == "new-arch"


def test_numbers_of_any_integer_type(gate, base):
    base.put("llama.block_count", writer.Value(writer.UINT64, 2))
    assert gate(base).get("block_count") == 2


@pytest.mark.parametrize("kind", ["none", "no_vocab"])
def test_a_model_without_vocabulary_passes(gate, base, kind):
    for key in [key for key in base.metadata if key.startswith("tokenizer.")]:
        base.put(key, None)
    assert gate(base.put("tokenizer.ggml.model", text(kind))).architecture == "llama"


def test_experts_and_head_widths_of_honest_models(gate):
    experts = {"expert_count": u32(8), "expert_used_count": u32(2), "expert_group_count": u32(1)}
    assert gate(hybrid("qwen3moe", **experts)).get("expert_count") == 8
    widths = {
        "attention__key_length": u32(192),
        "attention__value_length": u32(128),
        "rope__dimension_count": u32(64),
    }
    assert gate(hybrid("deepseek2", **widths)).get("attention.value_length") == 128
    assert gate(hybrid("hunyuan-dense", expert_count=u32(1))).get("expert_count") == 1


def test_special_ids_outside_the_vocabulary_are_warnings(gate, base):
    base.put("tokenizer.ggml.padding_token_id", u32(0xFFFFFFFF))
    base.put("tokenizer.ggml.eos_token_id", u32(292))
    warnings = gate(base).warnings
    assert len(warnings) == 2
    assert "tokenizer.ggml.padding_token_id 4294967295 is outside" in warnings[0]


def test_empty_tokens_and_tokens_that_are_not_utf8_pass(gate, base):
    texts = tokens_of(base)
    assert gate(with_tokens(base, ["", b"\xff", "", *texts[3:]])).version == 3


def test_empty_arrays_pass(gate, base):
    base.put("general.tags", array(writer.STRING, []))
    base.put("tokenizer.ggml.suppress_tokens", ints())
    assert gate(base).version == 3


# ---- what is no model


def test_the_smallest_file_is_refused_naming_what_is_missing(gate):
    assert gate(SMALLEST) == (
        "is no complete model, it has no test.block_count, no tokenizer.ggml.model, no tensors"
    )


@pytest.mark.parametrize(
    ("kind", "named"),
    [
        ("adapter", "LoRA adapter"),
        ("mmproj", "projector"),
        ("projector", "projector"),
        ("imatrix", "importance matrix"),
        ("vocab", "vocabulary without weights"),
    ],
)
def test_other_kinds_are_refused_politely(gate, base, kind, named):
    assert named in gate(base.put("general.type", text(kind)))


def test_adapters_and_projectors_without_a_type_are_refused_politely(gate, base):
    assert "LoRA adapter" in gate(tiny_llama().put("adapter.type", text("lora")))
    assert "projector" in gate(base.put("general.architecture", text("clip")))


def test_a_part_of_a_split_model_is_refused(gate, base):
    assert "one of 3 parts" in gate(base.put("split.count", writer.Value(writer.UINT16, 3)))


@pytest.mark.parametrize("name", ["", "llama\0x", "two words", "l\u00e4ma", 7])
def test_architecture_is_a_plain_name(gate, base, name):
    value = u32(name) if isinstance(name, int) else text(name)
    assert "general.architecture" in gate(base.put("general.architecture", value))


def test_a_file_without_tensors_or_architecture(gate, base):
    assert "no general.architecture" in gate(tiny_llama().put("general.architecture", None))
    base.tensors = []
    assert gate(base) == "is no complete model, it has no tensors"


# ---- numbers


@pytest.mark.parametrize(
    ("key", "value", "fault"),
    [
        ("block_count", u32(0), "block_count 0 is not between 1 and 512"),
        ("block_count", u32(513), "block_count 513"),
        ("block_count", u32(2**31), "block_count 2147483648"),
        ("block_count", text("2"), "block_count is not an integer"),
        ("block_count", f32(2.0), "block_count is not an integer"),
        ("block_count", flag(True), "block_count is not an integer"),
        ("block_count", ints(2), "block_count is not an integer"),
        ("context_length", u32(0), "context_length 0"),
        ("context_length", u32(2**24 + 1), "context_length 16777217"),
        ("context_length", None, "has no context_length"),
        ("embedding_length", u32(0), "embedding_length 0"),
        ("embedding_length", None, "has no embedding_length"),
        ("embedding_length", u32(16), "token_embd.weight has the shape (8, 292) for width 16"),
        ("feed_forward_length", u32(0), "feed_forward_length 0"),
        ("feed_forward_length", ints(0, 0), "feed_forward_length 0"),
        ("attention.head_count", u32(0), "head_count 0 is not positive"),
        ("attention.head_count", u32(3), "does not divide"),
        ("attention.head_count", ints(4), "has 1 entries for 2 blocks"),
        ("attention.head_count", ints(4, 4, 4), "has 3 entries for 2 blocks"),
        ("attention.head_count", ints(0, 0), "head_count 0 is not positive"),
        ("attention.head_count", ints(4, -4), "is not positive"),
        ("attention.head_count", array(writer.STRING, ["4", "4"]), "another type"),
        ("attention.head_count_kv", u32(0), "head_count_kv 0 is not positive"),
        ("attention.head_count_kv", u32(3), "head_count_kv 3 does not divide head_count 4"),
        ("attention.head_count_kv", u32(8), "head_count_kv 8 does not divide"),
        ("attention.head_count_kv", ints(2, 0), "of block 1 is 0, its keys differ"),
        ("attention.head_count_kv", ints(2, 1), "of block 1 is 1, its keys differ"),
        ("attention.value_length", u32(4), "key_length 2 differs from value_length 4"),
        ("attention.key_length", u32(0), "key_length or value_length is not positive"),
        ("rope.dimension_count", u32(3), "rope.dimension_count 3"),
        ("rope.dimension_count", u32(64), "rope.dimension_count 64"),
        ("rope.scaling.type", text("twisted"), "rope.scaling.type 'twisted'"),
        ("pooling_type", u32(9), "pooling_type 9"),
        ("attention.layer_norm_rms_epsilon", f32(-1e-5), "epsilon"),
        ("attention.layer_norm_rms_epsilon", f32(float("nan")), "epsilon"),
        ("nextn_predict_layers", u32(3), "nextn_predict_layers 3"),
        ("expert_count", u32(1025), "expert_count 1025"),
        ("expert_count", u32(4), "expert_used_count 0 does not fit expert_count 4"),
        ("expert_used_count", u32(2), "expert_used_count 2 does not fit expert_count 0"),
        ("expert_group_count", u32(2), "expert_group_count 2"),
    ],
)
def test_numbers_that_llama_cpp_dies_of(gate, base, key, value, fault):
    assert fault in gate(base.put(f"llama.{key}", value))


def test_expert_groups(gate, base):
    base.set(llama__expert_count=u32(8), llama__expert_used_count=u32(2))
    base.set(llama__expert_group_count=u32(3), llama__expert_group_used_count=u32(1))
    assert "3 groups" in gate(base)
    assert "4 groups" in gate(base.put("llama.expert_group_count", u32(4)).put(
        "llama.expert_group_used_count", u32(4)))  # fmt: skip


# ---- tensors


@pytest.mark.parametrize("kind", [9, 15, 24, 25, 26, 27, 28])
def test_weights_of_a_type_that_cannot_be_multiplied(gate, kind):
    file = tiny_llama(width=256, hidden=8)
    tensor = file.tensor("blk.1.attn_q.weight")
    tensor.type, tensor.data = kind, bytes(256 * 256 * 8)
    file.tensors[-1].data = bytes(1024)
    assert "'blk.1.attn_q.weight' cannot be of type" in gate(file)


@pytest.mark.parametrize("name", ["blk.0.attn_norm.weight", "output_norm.weight"])
def test_norms_are_f32(gate, base, name):
    tensor = base.tensor(name)
    tensor.type, tensor.data = 1, bytes(16)
    assert gate(base) == f"tensor '{name}' must be F32, not F16"


def test_ollamas_first_mxfp4_is_named(gate):
    file = tiny_llama(width=32, hidden=32)
    tensor = file.tensor("blk.0.ffn_up.weight")
    tensor.type, tensor.data = 4, bytes(32 * 17)
    assert "MXFP4 under Ollama's old number 4" in gate(file)


def test_integer_tables_are_no_weights(gate, base):
    base.tensors.append(Tensor("blk.0.ffn_gate_tid2eid.weight", (4, 4), type=26))
    assert gate(base).version == 3


# ---- tokenizer


def test_the_tokenizer_must_be_there(gate, base):
    assert "tokenizer.ggml.model" in gate(tiny_llama().put("tokenizer.ggml.model", None))
    assert gate(base.put("tokenizer.ggml.model", u32(1))) == "tokenizer.ggml.model is not a name"
    assert "is not a name" in gate(base.put("tokenizer.ggml.model", text("none\0")))


@pytest.mark.parametrize("value", [None, u32(1), ints(1), array(writer.STRING, [])])
def test_the_vocabulary_must_be_there(gate, base, value):
    assert "has no vocabulary" in gate(base.put("tokenizer.ggml.tokens", value))


@pytest.mark.parametrize("length", [0, 291, 293])
def test_scores_and_types_are_as_many_as_tokens(gate, length):
    for key, kind in (("scores", writer.FLOAT32), ("token_type", writer.INT32)):
        file = tiny_llama(width=8, hidden=8)
        file.put(f"tokenizer.ggml.{key}", array(kind, [1] * length))
        assert gate(file) == f"tokenizer.ggml.{key} has {length} entries for 292 tokens"


@pytest.mark.parametrize("key", ["scores", "token_type", "merges"])
def test_arrays_of_the_wrong_type(gate, base, key):
    base.put(f"tokenizer.ggml.{key}", array(writer.UINT8, [1] * 292))
    assert "is not an array of the right type" in gate(base)


def test_a_byte_pair_tokenizer_needs_merges(gate, base):
    base.put("tokenizer.ggml.merges", None)
    assert "merges" in gate(base)
    assert gate(base.put("tokenizer.ggml.pre", text("kimi-k2"))).version == 3


@pytest.mark.parametrize("change", [-1, 1])
def test_tokens_and_embedding_agree(gate, base, change):
    shape = (8, 292 + change)
    base.tensors[0] = Tensor("token_embd.weight", shape)
    assert gate(base) == f"token_embd.weight has the shape {shape} for 292 tokens"


@pytest.mark.parametrize(
    ("first", "second"),
    [("x1", "x1"), (b"x1\0a", b"x1\0b"), ("", "[EMPTY_0]"), (b"\0", "[EMPTY_0]")],
)
def test_two_tokens_of_one_text(gate, base, first, second):
    texts = tokens_of(base)
    assert "tokens 0 and 1 are the same text" in gate(
        with_tokens(base, [first, second, *texts[2:]])
    )


def test_a_token_text_beyond_64_kib(gate, base):
    texts = tokens_of(base)
    assert gate(with_tokens(base, ["x" * 65_536, *texts[1:]])).version == 3
    assert "longer than 65536 bytes" in gate(with_tokens(base, ["x" * 65_537, *texts[1:]]))


@pytest.mark.parametrize("wrong", ["<0x-1>", "<0x1>", "<0xGG>", "<0x011>", "b", "<0x01>\n"])
def test_byte_tokens_have_two_hex_digits(gate, wrong):
    file = tiny_llama(width=8, hidden=8, spm=True)
    texts = tokens_of(file)
    texts[3 + 1] = wrong
    assert "byte token 4 is" in gate(with_tokens(file, texts))


def test_a_sentencepiece_tokenizer_has_a_token_for_every_byte(gate):
    file = tiny_llama(width=8, hidden=8, spm=True)
    texts = tokens_of(file)
    texts[3 + 0x41] = "AA"
    file.put("tokenizer.ggml.token_type", None)
    assert gate(with_tokens(file, texts)) == "the tokenizer has no token for byte 0x41"
    texts[3 + 0x41] = "A"
    assert gate(with_tokens(file, texts)).version == 3


def test_tokens_put_around_a_text_must_exist(gate, base):
    base.put("tokenizer.ggml.model", text("gemma4")).put("tokenizer.ggml.bos_token_id", u32(999))
    assert gate(base) == "texts get a bos token, but the tokenizer has none"
    base.put("tokenizer.ggml.bos_token_id", u32(288)).put("tokenizer.ggml.eos_token_id", None)
    assert gate(base).version == 3
    base.put("tokenizer.ggml.add_eos_token", flag(True))
    assert gate(base) == "texts get a eos token, but the tokenizer has none"
