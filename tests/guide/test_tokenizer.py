"""The tokenizer cuts a word alike wherever it stands, and llama.cpp cuts as training did."""

import random
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ollama_nb.engine.local import LocalHost
from ollama_nb.engine.spec import load_spec
from ollama_nb.guide import BUILTIN_MODELS
from ollama_nb.guide.corpus import ALL, Corpus
from ollama_nb.guide.facts import load_facts
from ollama_nb.guide.tokenizer import CONTROL, VISIBLE, train_tokenizer
from ollama_nb.guide.unpack import unpack
from ollama_nb.settings import Settings
from ollama_nb.store import Store
from ollama_nb.wire import Options

SIZE = 900
TEXTS = [fact.answer for fact in load_facts()]


@pytest.fixture(scope="module")
def tokenizer():
    return train_tokenizer(TEXTS, TEXTS, SIZE, joined=100)


def test_it_has_the_size_that_was_asked_for(tokenizer):
    assert tokenizer.get_vocab_size() == SIZE


def test_too_few_texts_are_an_error():
    with pytest.raises(ValueError, match="only"):
        train_tokenizer(["a model"], ["a model"], SIZE, joined=100)


@pytest.mark.parametrize("token", [*CONTROL, *VISIBLE])
def test_our_own_tokens_are_single(tokenizer, token):
    assert len(tokenizer.encode(token).ids) == 1


def test_common_words_take_their_blank_with_them(tokenizer):
    assert tokenizer.encode("the model").tokens[-1] == "\u0120model"


@pytest.mark.parametrize("word", ["grindstaikaim", "Paris", "12345", "snake_case_name"])
def test_a_rare_word_is_cut_alike_after_a_blank_and_a_quote(tokenizer, word):
    pieces = tokenizer.encode(word).tokens
    assert tokenizer.encode(f"in {word}").tokens[-len(pieces) :] == pieces
    assert tokenizer.encode(f'"{word}').tokens[-len(pieces) :] == pieces


def test_digits_are_single(tokenizer):
    assert tokenizer.encode("4096").tokens == list("4096")


@given(st.text())
def test_nothing_is_lost(tokenizer, text):
    assert tokenizer.decode(tokenizer.encode(text).ids, skip_special_tokens=False) == text


@pytest.fixture(scope="module")
def guide():
    """The guide's weights, loaded."""
    found = Store([BUILTIN_MODELS]).find("guide")
    options = Options.merge({"num_ctx": 64})
    spec = load_spec(
        found.weights, found.header, options, Settings(context_length=64, num_parallel=1)
    )
    runner = LocalHost().load(spec)
    yield runner
    runner.close()


@pytest.fixture(scope="module")
def shipped():
    """The shipped vocabulary in the library that trained it."""
    return unpack(Store([BUILTIN_MODELS]).find("guide").weights).tokenizer


@pytest.mark.native
def test_llama_cpp_cuts_as_training_did(guide, shipped):
    """Prose, calls, code, and what nobody has trained on."""
    rng = random.Random(5)
    corpus = Corpus(load_facts(), rng)
    texts = [piece.text for talk in corpus.examples(200, ALL) for piece in talk.pieces]
    texts = [part for text in texts for part in re.split(r"<[^<>]*>", text) if part]
    texts += [
        "Grüße, 世界! 😀",
        "  a   b\t\n\n c ",
        "x=1;y=22.5e-3",
        "don't we'LL",
        "\u00a0 \u200b",
    ]
    assert [guide.tokenize([text], start=False) for text in texts] == [
        shipped.encode(text).ids for text in texts
    ]
