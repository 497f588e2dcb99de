"""service.embed and service.embeddings: texts in every form, what is cut, and every refusal."""

import math
import struct
import time

import numpy as np
import pytest
from gguf_writer import tiny_llama
from model_files import write_model

from ollama_nb import errors
from ollama_nb.engine.sequence import EmbedRequest as Texts
from ollama_nb.wire import EmbeddingsRequest, EmbedRequest, GenerateRequest, Options

TEXT = "How do I pull a model?"
OTHER = "What is a token?"
BEYOND = "word " * 600
"""Longer than all-MiniLM's window."""


@pytest.fixture(scope="module")
def minilm_name(models, minilm_gguf):
    """all-MiniLM in the store."""
    manifest = write_model(models, "minilm", weights=minilm_gguf.read_bytes())
    yield "minilm"
    manifest.unlink()


@pytest.fixture(scope="module")
def broken(models):
    """A model whose weights are no numbers."""
    file = tiny_llama()
    file.tensor("output_norm.weight").data = struct.pack("<f", math.nan) * 64
    manifest = write_model(models, "broken", weights=file.encode())
    yield "broken"
    manifest.unlink()


@pytest.fixture
def embed(service):
    """Ask for the vectors of an input: the whole answer."""

    def embed(given=TEXT, **fields):
        return service.embed(EmbedRequest(**({"model": "guide", "input": given} | fields))).fold()

    return embed


@pytest.fixture
def embeddings(service):
    """The same in the older way."""

    def embeddings(prompt=TEXT, **fields):
        request = EmbeddingsRequest(**({"model": "guide", "prompt": prompt} | fields))
        return service.embeddings(request).fold()

    return embeddings


def one(service, name):
    """What ps says of a model; None if it is not loaded."""
    return next((one for one in service.ps().models if one.name == name), None)


def unload(service, name="guide"):
    service.generate(GenerateRequest(model=name, keep_alive=0)).fold()
    wait_until_unloaded(service, name)


def wait_until_unloaded(service, name="guide"):
    end = time.monotonic() + 180
    while one(service, f"{name}:latest"):
        assert time.monotonic() < end
        time.sleep(0.01)


def norm(vector):
    return math.hypot(*vector)


def cosine(a, b):
    return float(np.dot(a, b) / norm(a) / norm(b))


def test_a_text_is_one_vector_of_length_1(embed):
    answer = embed()
    (vector,) = answer.embeddings
    assert len(vector) == 256
    assert norm(vector) == pytest.approx(1, abs=1e-5)
    assert answer.model == "guide"


def test_a_list_is_a_vector_for_each_in_order(embed):
    (first, second), (alone,) = embed([TEXT, OTHER]).embeddings, embed([OTHER]).embeddings
    assert cosine(second, alone) > 0.99
    assert cosine(first, alone) < 0.99


def test_counts_and_durations_are_measured(embed):
    answer, both = embed(), embed([TEXT, OTHER])
    assert 0 < answer.load_duration < answer.total_duration
    assert answer.prompt_eval_count > 0
    assert both.prompt_eval_count == answer.prompt_eval_count + embed(OTHER).prompt_eval_count


def test_the_model_is_echoed_as_sent(embed):
    for name in ("guide", "GUIDE:latest", " guide "):
        assert embed(model=name).model == name


@pytest.mark.parametrize("nothing", [None, "", []])
def test_an_empty_input_loads_the_model(embed, service, nothing):
    unload(service)
    answer = embed(nothing, keep_alive="10m")
    assert (answer.model, answer.embeddings) == ("guide", [])
    assert (answer.total_duration, answer.prompt_eval_count) == (0, 0)
    assert one(service, "guide:latest")


def test_a_list_may_contain_an_empty_text(embed, minilm_name, minilm):
    (vector,) = embed([""]).embeddings
    assert norm(vector) == pytest.approx(1, abs=1e-5)
    _, empty, _ = embed([TEXT, "", OTHER], model=minilm_name).embeddings
    assert cosine(empty, minilm.embed("")) >= 0.999
    assert embed([""], model=minilm_name).prompt_eval_count == 2


@pytest.mark.parametrize("wrong", [0, 1, 1.5, True, False, {}, {"a": "b"}, [1], ["a", None], [[]]])
@pytest.mark.parametrize("model", ["guide", "nope", ""])
def test_other_types_are_refused_before_the_model_is_looked_up(embed, model, wrong):
    with pytest.raises(errors.BadRequest) as caught:
        embed(wrong, model=model)
    assert str(caught.value) == "invalid input type"


def test_there_is_a_limit_of_texts_and_of_characters(embed, embeddings):
    with pytest.raises(errors.BadRequest, match="input has 2049 texts, at most 2048 are taken"):
        embed(["a"] * 2049)
    with pytest.raises(errors.BadRequest, match="longer than 32 Mi characters"):
        embed(["a" * (17 << 20)] * 2)
    with pytest.raises(errors.BadRequest, match="longer than 32 Mi characters"):
        embeddings("a" * (33 << 20))
    assert len(embed(["a"] * 2048).embeddings) == 2048


def test_dimensions_cut_and_normalise_again(embed):
    (whole,), (cut,) = embed().embeddings, embed(dimensions=8).embeddings
    assert len(cut) == 8
    assert norm(cut) == pytest.approx(1, abs=1e-5)
    assert cosine(cut, whole[:8]) == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("dimensions", [0, -1, 256, 257, 10**9])
def test_other_dimensions_have_no_effect(embed, dimensions):
    assert embed(dimensions=dimensions).embeddings == embed().embeddings


def test_what_is_too_long_is_cut_at_the_end(embed, minilm_name, minilm):
    answer = embed(BEYOND, model=minilm_name)
    assert answer.prompt_eval_count == 512
    (vector,) = answer.embeddings
    assert cosine(vector, minilm.embed("word " * 510)) >= 0.999
    assert embed(model=minilm_name, options={"num_ctx": 8}).prompt_eval_count == 8
    assert embed("word " * 3000).prompt_eval_count == 2048


def test_what_is_too_long_can_be_refused_instead(embed, minilm_name):
    for fields in (
        {"model": minilm_name, "given": BEYOND},
        {"model": minilm_name, "given": [TEXT, BEYOND]},
        {"model": minilm_name, "given": TEXT, "options": {"num_ctx": 7}},
        {"given": "word " * 3000},
    ):
        with pytest.raises(errors.BadRequest) as caught:
            embed(truncate=False, **fields)
        assert str(caught.value) == "the input length exceeds the context length"
    fitting = embed("word " * 510, model=minilm_name, truncate=False)
    assert fitting.prompt_eval_count == 512


@pytest.mark.parametrize("given", ["", TEXT], ids=["load", "text"])
def test_keep_alive_is_the_models(embed, embeddings, service, given):
    for ask in (embed, embeddings):
        ask(given, keep_alive=-1)
        assert int(one(service, "guide:latest").expires_at[:4]) > 2126
        ask(given, keep_alive="10m")
        assert int(one(service, "guide:latest").expires_at[:4]) < 2126
        ask(given, keep_alive=0)
        wait_until_unloaded(service)


def test_the_older_way_is_not_normalised(embed, embeddings):
    plain = embeddings()
    assert plain.embedding == plain.embeddings
    assert abs(norm(plain.embedding) - 1) > 0.01
    assert cosine(plain.embedding, embed().embeddings[0]) > 0.9999


def test_an_empty_prompt_loads_in_the_older_way(embeddings, service):
    unload(service)
    answer = embeddings("")
    assert (answer.embedding, answer.embeddings) == ([], [])
    assert one(service, "guide:latest")


def test_the_same_text_has_the_same_vector(embed, embeddings):
    assert embed().embeddings == embed().embeddings
    assert embeddings().embedding == embeddings().embedding


def test_control_tokens_in_a_text_do_no_harm(embed):
    given = ["<|im_end|>", "<|im_start|>", "\x00", "\ud800", "\u202e", "😀" * 50]
    assert len(embed(given).embeddings) == len(given)


def test_near_texts_are_near(embed, minilm_name):
    question, answer, other = embed(
        ["How tall is Mount Everest?", "Everest is 8849 metres high.", "I like apple cake."],
        model=minilm_name,
    ).embeddings
    assert cosine(question, answer) > cosine(question, other) + 0.3


NOT_FOUND = 'model "nope" not found, try pulling it first'


@pytest.mark.parametrize(
    ("fields", "error", "text"),
    [
        ({"model": "nope"}, errors.ModelNotFound, NOT_FOUND),
        ({"model": "gui de"}, errors.InvalidName, "invalid model name"),
        ({"model": "guide:"}, errors.InvalidName, "invalid model name"),
        ({"model": "x:cloud"}, errors.Forbidden,
         "ollama cloud is disabled: remote model is unavailable"),
        ({"keep_alive": "5"}, errors.InvalidDuration, 'time: missing unit in duration "5"'),
        ({"keep_alive": True}, errors.InvalidDuration, "Unsupported type: 'bool'"),
        ({"options": {"num_ctx": "1"}}, errors.InvalidOption,
         'option "num_ctx" must be of type integer'),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(embed, embeddings, fields, error, text):
    for ask in (embed, embeddings):
        with pytest.raises(error) as caught:
            ask(**fields)
        assert type(caught.value) is error
        assert str(caught.value) == text


@pytest.mark.parametrize("model", ["", "  "])
def test_without_a_model_the_two_ways_differ(embed, embeddings, model):
    with pytest.raises(errors.ModelNotFound, match=r"^model '' not found$"):
        embed(model=model)
    with pytest.raises(errors.BadRequest, match=r"^model is required$"):
        embeddings(model=model)


def test_weights_that_are_no_numbers_are_named(embed, embeddings, broken):
    for ask in (embed, embeddings):
        with pytest.raises(errors.BadRequest) as caught:
            ask(model=broken)
        assert str(caught.value) == "embedding contains NaN or Inf values"


def test_a_model_made_for_embeddings_does_not_generate(service, minilm_name):
    with pytest.raises(errors.UnsupportedCapability) as caught:
        service.generate(GenerateRequest(model=minilm_name, prompt=TEXT))
    assert str(caught.value) == '"minilm" does not support generate'
    assert caught.value.status == 400


def test_cancelling_ends_the_stream_and_frees_the_model(embed, service):
    stream = service.embed(EmbedRequest(model="guide", input=["word " * 1000] * 300))
    stream.cancel()
    stream.cancel()
    with pytest.raises(errors.Cancelled):
        stream.fold()
    assert embed().embeddings
    unload(service)


def test_after_every_refusal_the_model_can_still_be_unloaded(embed, service):
    for fields in ({"given": "word " * 3000, "truncate": False}, {"given": [1]}):
        with pytest.raises(errors.OllamaError):
            embed(**fields)
    embed("")
    unload(service)


def test_owners_reach_the_engine(service, monkeypatch):
    asked = []
    lease = service.scheduler.acquire(
        service.store.find("guide"), Options.merge({}), keep_alive_ns=None
    )
    monkeypatch.setattr(lease.runner, "submit", lambda texts, emit: asked.append(texts) or 1)
    service.embed(EmbedRequest(model="guide", input=TEXT, dimensions=3), owner="alice")
    service.embeddings(EmbeddingsRequest(model="guide", prompt=TEXT), owner="bob")
    lease.release()
    assert all(isinstance(texts, Texts) for texts in asked)
    assert [texts.owner for texts in asked] == ["alice", "bob"]
    assert [(texts.dimensions, texts.normalize) for texts in asked] == [(3, True), (0, False)]
