"""Models made for embeddings, broken ones, and all-MiniLM against the network written out."""

import struct

import numpy as np
import pytest
from embed_requests import Embedding, tokens
from gguf_writer import tiny_llama, u32

from ollama_nb.engine.local import LocalHost
from ollama_nb.engine.sequence import SequenceRequest
from ollama_nb.engine.spec import load_spec
from ollama_nb.engine.worker import WorkerHost
from ollama_nb.errors import BadRequest, Cancelled, ContextTooLong, EngineError
from ollama_nb.gguf import check_model
from ollama_nb.settings import Settings
from ollama_nb.wire import Options


@pytest.fixture
def loaded(tmp_path):
    """Load a file written by a test."""
    runners = []

    def load(file, host=LocalHost):
        path = tmp_path / f"{len(runners)}.gguf"
        path.write_bytes(file.encode())
        runners.append(host().load(spec_of(path)))
        return runners[-1]

    yield load
    for runner in runners:
        runner.close()


def spec_of(path):
    return load_spec(path, check_model(path), Options(), Settings(num_parallel=4))


@pytest.mark.parametrize("host", [LocalHost, WorkerHost])
def test_weights_that_are_no_numbers_are_named(loaded, host):
    file = tiny_llama()
    norm = file.tensor("output_norm.weight")
    norm.data = struct.pack("<f", float("nan")) * 64
    runner = loaded(file, host)
    with pytest.raises(BadRequest) as caught:
        Embedding(runner, [[5, 6]]).finish()
    assert str(caught.value) == "embedding contains NaN or Inf values"
    with pytest.raises(BadRequest):
        Embedding(runner, [[5, 6]], normalize=False).finish()


@pytest.mark.parametrize("pooling", [None, *range(4)])
def test_a_file_says_how_its_vectors_are_made(loaded, pooling):
    file = tiny_llama()
    runner = loaded(file if pooling is None else file.put("llama.pooling_type", u32(pooling)))
    several = [tokens(number, length, 200) for number, length in enumerate((5, 1, 60, 2, 17))]
    together = Embedding(runner, several).finish()
    assert together.shape == (5, 64)
    alone = np.concatenate([Embedding(runner, [text]).finish() for text in several])
    assert together == pytest.approx(alone, abs=1e-3)
    if pooling is not None:
        refuses_to_generate(runner)


def refuses_to_generate(runner):
    request = SequenceRequest(tokens=(5,), options=Options(), num_predict=1, num_keep=0)
    with pytest.raises(EngineError, match="makes embeddings and does not generate"):
        runner.submit(request, lambda _: None)


# llama.cpp drops vowel signs of Devanagari and the ends of Hangul syllables, and spells out words
# of more than 100 letters; the original tokenizer does neither. Elsewhere they agree.
TEXTS = [
    "",
    "a",
    "Hello, world!",
    "Which model answers when nothing is said?",
    "naïve café, ÅNGSTRÖM, Füße & Straßenbahn",
    "Привет, мир",
    "Ελληνικά γράμματα",
    "日本語のテキスト and 中文",
    "مرحبا بالعالم",
    "מה שלומך",
    "😀 👩‍👩‍👧 emoji",
    "1,234.56 $ — 99 % (§ 3) x² ≠ √2",
    "def add(a, b):\n\treturn a + b  # comment",
    "[SEP] [MASK] as text",
    "it goes on and on, " * 40,
]


@pytest.fixture(scope="module")
def expected(minilm):
    """What the network says to them."""
    return np.stack([minilm.embed(text) for text in TEXTS])


@pytest.fixture(scope="module", params=[LocalHost, WorkerHost], ids=["local", "worker"])
def sentences(request, minilm_gguf):
    """all-MiniLM, loaded."""
    runner = request.param().load(spec_of(minilm_gguf))
    yield runner
    runner.close()


def whole(runner, text):
    before, after = runner.vocabulary.around
    return [*before, *runner.tokenize([text], start=False), *after]


def test_minilm_tokens_are_the_original_tokenizers(sentences, minilm):
    for text in TEXTS:
        assert whole(sentences, text) == minilm.tokens(text), text


def test_minilm_vectors_are_those_of_the_network(sentences, expected):
    found = Embedding(sentences, [whole(sentences, text) for text in TEXTS]).finish()
    assert (found * expected).sum(1).min() >= 0.999
    alone = Embedding(sentences, [whole(sentences, TEXTS[3])]).finish()[0]
    assert found[3] == pytest.approx(alone, abs=1e-3)


def test_minilm_fills_its_window_and_no_more(sentences):
    text = whole(sentences, "word " * 510)
    assert len(text) == 512
    assert Embedding(sentences, [text, text[:9], text]).finish().shape == (3, 384)
    with pytest.raises(ContextTooLong):
        Embedding(sentences, [[*text, 102]])


def test_minilm_can_be_interrupted_and_does_not_generate(sentences):
    doomed = Embedding(sentences, [whole(sentences, "word " * 510)] * 300)
    doomed.cancel()
    with pytest.raises(Cancelled):
        doomed.finish()
    assert Embedding(sentences, [whole(sentences, "a")]).finish().shape == (1, 384)
    refuses_to_generate(sentences)


def test_the_smallest_window_and_batch_do_no_harm(minilm_gguf):
    options = Options(num_ctx=4, num_batch=1)
    spec = load_spec(minilm_gguf, check_model(minilm_gguf), options, Settings())
    runner = LocalHost().load(spec)
    try:
        assert Embedding(runner, [[101, 102]] * 3).finish().shape == (3, 384)
    finally:
        runner.close()
