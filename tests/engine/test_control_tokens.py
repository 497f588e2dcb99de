"""No control token is overlooked, though llama.cpp is asked about some tokens only."""

import pytest
from gguf_writer import INT32, STRING, array, tiny_llama

from ollama_nb.engine import native
from ollama_nb.engine.native.library import lib
from ollama_nb.engine.spec import load_spec
from ollama_nb.gguf import check_model
from ollama_nb.settings import Settings
from ollama_nb.wire import Options

NORMAL = 1
PROMOTED = ("<|im_end|>", "_<EOT>", "[EOT]", "<fim-prefix>", "\u2581<MID>", "[|endofturn|]")
"""llama.cpp takes some of these for control tokens whatever their type."""


def _disguised():
    file = tiny_llama()
    texts = [*file.metadata["tokenizer.ggml.tokens"].data]
    at = len(texts) - len(PROMOTED) - 4
    texts[at : at + len(PROMOTED)] = PROMOTED
    return (
        file.put("tokenizer.ggml.tokens", array(STRING, texts))
        .put("tokenizer.ggml.token_type", array(INT32, [NORMAL] * len(texts)))
        .encode()
    )


@pytest.fixture(params=["guide", "spm", "wordpiece", "types hidden"])
def path(request, tmp_path):
    if request.param == "guide":
        return request.getfixturevalue("guide").weights
    if request.param == "wordpiece":
        return request.getfixturevalue("minilm_gguf")
    file = tmp_path / "model.gguf"
    file.write_bytes(tiny_llama(spm=True).encode() if request.param == "spm" else _disguised())
    return file


def test_all_control_tokens_are_among_the_marked_ones(path):
    spec = load_spec(path, check_model(path), Options(), Settings())
    model = native.Model(spec)
    try:
        vocab = lib.llama_model_get_vocab(model.handle)
        controls = [one for one in range(model.num_vocab) if lib.llama_vocab_is_control(vocab, one)]
        assert controls
        assert set(controls) <= set(spec.marked)
        assert set(model.control_texts()) == {
            model.piece(one, special=True).decode() for one in controls
        }
    finally:
        model.close()
