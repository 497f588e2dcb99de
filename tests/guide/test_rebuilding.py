"""The shipped model is made by create of a checkpoint; made again, it is the same to the byte."""

import hashlib
import random
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ollama_nb import guide
from ollama_nb.errors import OllamaError
from ollama_nb.guide import BUILTIN_MODELS
from ollama_nb.guide.builtin_store import build
from ollama_nb.guide.export import Guide, export, halves_apart
from ollama_nb.guide.unpack import unpack
from ollama_nb.recipes.convert.families.llama import interleaved
from ollama_nb.store import Store

CARD = Path(guide.__file__).with_name("MODEL_CARD.md")


def weights_of(store: Path) -> Path:
    return Store([store]).find("guide").weights


def files_of(store: Path) -> dict[str, str]:
    """The digest of every file, by its place."""
    return {
        path.relative_to(store).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in store.rglob("*")
        if path.is_file()
    }


@pytest.fixture(scope="module")
def shipped():
    return unpack(weights_of(BUILTIN_MODELS))


@pytest.fixture(scope="module")
def checkpoint(shipped, tmp_path_factory):
    folder = tmp_path_factory.mktemp("checkpoint")
    export(shipped, folder)
    return folder


@pytest.fixture(scope="module")
def rebuilt(checkpoint, tmp_path_factory):
    """A store made of it, where another one was before."""
    store = tmp_path_factory.mktemp("store")
    for old in ("blobs/sha256-0", "manifests/registry.ollama.ai/library/guide/old"):
        (store / old).parent.mkdir(parents=True)
        (store / old).write_text("old")
    build(checkpoint, store)
    return store


@pytest.mark.native
def test_the_shipped_store_made_again_is_the_same(rebuilt):
    assert files_of(rebuilt).items() >= files_of(BUILTIN_MODELS).items()


@pytest.mark.native
def test_what_was_in_the_store_before_is_gone(rebuilt):
    assert files_of(rebuilt).keys() == files_of(BUILTIN_MODELS).keys()


@pytest.mark.native
def test_what_training_hands_over_arrives_in_its_place(shipped, tmp_path):
    shape = replace(shipped.shape, context=512, rope_base=500_000.0, norm_epsilon=1e-6)
    rng = np.random.default_rng(7)
    learned = {
        name: rng.standard_normal(values.shape, np.float32)
        for name, values in shipped.tensors.items()
    }
    export(Guide(shape, learned, shipped.tokenizer), tmp_path / "checkpoint")
    build(tmp_path / "checkpoint", tmp_path / "store")
    found = unpack(weights_of(tmp_path / "store"))
    assert found.shape == shape
    assert found.tokenizer.to_str() == shipped.tokenizer.to_str()
    assert found.tensors.keys() == learned.keys()
    for name, values in learned.items():
        # Half a step of q8_0; what has one dimension stays as it is.
        tolerance = 0.53 * np.abs(values).max() / 127 if values.ndim == 2 else 0
        np.testing.assert_allclose(found.tensors[name], values, rtol=0, atol=tolerance)


def test_what_cannot_be_made_leaves_the_store_as_it_was(checkpoint, tmp_path):
    folder, store = tmp_path / "broken", tmp_path / "store"
    folder.mkdir()
    for path in checkpoint.iterdir():
        data = path.read_bytes()
        (folder / path.name).write_bytes(data[:-1] if path.suffix == ".safetensors" else data)
    (store / "blobs").mkdir(parents=True)
    (store / "blobs" / "sha256-0").write_text("old")
    with pytest.raises(OllamaError, match=r"model\.safetensors"):
        build(folder, store)
    assert [*files_of(store)] == ["blobs/sha256-0"]


@pytest.mark.parametrize("tag", ["latest", "think"])
def test_the_card_names_what_is_shipped(tag):
    model = Store([BUILTIN_MODELS]).find(f"guide:{tag}")
    card = CARD.read_text(encoding="utf-8")
    assert f"`sha256:{model.manifest.digest}`" in card
    assert f"`sha256:{hashlib.sha256(model.weights.read_bytes()).hexdigest()}`" in card
    assert f"{model.weights.stat().st_size:,} bytes" in card


def test_the_card_names_no_other_digest():
    named = re.findall(r"sha256:([0-9a-f]+)", CARD.read_text(encoding="utf-8"))
    store = Store([BUILTIN_MODELS])
    models = [store.find(f"guide:{tag}") for tag in ("latest", "think")]
    there = {model.manifest.digest for model in models}
    there |= {
        blob.digest.removeprefix("sha256:") for model in models for blob in model.manifest.blobs
    }
    assert len(set(named)) == 3
    assert set(named) <= there


@given(heads=st.integers(1, 4), pairs=st.integers(1, 8), width=st.integers(1, 5))
def test_create_undoes_the_order_of_heads(heads, pairs, width):
    rows = heads * pairs * 2
    values = np.arange(rows * width, dtype=np.float32).reshape(rows, width)
    np.testing.assert_array_equal(interleaved(halves_apart(values, heads), heads), values)


def test_a_pair_lies_half_a_head_apart():
    rows = np.arange(8, dtype=np.float32)[:, None]
    assert halves_apart(rows, heads=2).ravel().tolist() == [0, 2, 1, 3, 4, 6, 5, 7]


def test_the_unpacked_tokenizer_is_the_one_that_is_shipped(shipped):
    texts = [random.Random(seed).randbytes(40).decode("latin-1") for seed in range(50)]
    assert shipped.tokenizer.get_vocab_size() == shipped.shape.vocabulary
    for text in texts:
        assert shipped.tokenizer.decode(shipped.tokenizer.encode(text).ids) == text


def test_nothing_of_it_needs_torch():
    code = "import sys, ollama_nb.guide.builtin_store, ollama_nb.guide.unpack\n"
    code += "assert 'numpy' in sys.modules and 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
