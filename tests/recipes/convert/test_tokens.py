"""Of every kind of tokenizer, llama.cpp cuts texts in many scripts as its own library does."""

import json
import shutil
import unicodedata

import converted
import pytest
from tokenizer_files import SPECIALS, TEXTS, Words

from ollama_nb.errors import Unconvertible

_BEYOND = ("\U0001d518\U0001d52b ☃ \U0010ffff ꙮ", "ﷺ ﬁ Ⅳ ①")
"""What no tokenizer here has learned."""
_PLACES = {
    "llama-bpe": "llama-3", "qwen2": "qwen2", "tekken": "mistral", "gpt-2": "llama-linear",
    "pieces": "llama", "pieces-json": "mixtral", "gemma": "gemma2", "phi3": "phi3",
    "words": "bert",
}  # fmt: skip
"""Of each kind, a model that has it."""


def has_marks(text):
    return any(unicodedata.category(character).startswith("M") for character in text)


def is_hangul(text):
    return any("HANGUL" in unicodedata.name(character, "") for character in text)


def words(kind):
    """Texts, without the words that llama.cpp is known to cut otherwise.

    Its rule for tekken takes marks for no part of a word; of BERT's letters it takes away vowels
    that are written apart, and of Korean ones all but the first.
    """
    if kind == "tekken":
        return [text for text in TEXTS if not has_marks(text)]
    if kind == "words":
        return [
            " ".join(
                word for word in text.split(" ") if not has_marks(word) and not is_hangul(word)
            )
            for text in TEXTS
        ]
    return [*TEXTS, *_BEYOND]


@pytest.mark.native
@pytest.mark.parametrize("kind", _PLACES)
def test_the_same_text_is_the_same_tokens(checkpoint, gguf, tokenizer, kind):
    with converted.opened(gguf(_PLACES[kind]), encodes=kind == "words") as model:
        for text in words(kind):
            assert converted.tokens(model, text) == tokenizer(kind).encode(text), text


@pytest.mark.native
@pytest.mark.parametrize(("kind", "pre"), [("llama-bpe", "llama-bpe"), ("qwen2", "qwen2")])
def test_added_tokens_are_found_in_a_text(checkpoint, gguf, tokenizer, kind, pre):
    text = f"{SPECIALS[2]}a b{SPECIALS[3]} c{SPECIALS[1]}"
    with converted.opened(gguf(_PLACES[kind])) as model:
        assert converted.tokens(model, text, special=True) == tokenizer(kind).encode(text)
        assert model.metadata["tokenizer.ggml.pre"] == pre


@pytest.mark.native
def test_white_space_after_tokens_of_phi_is_dropped(checkpoint, gguf, tokenizer):
    with converted.opened(gguf("phi3")) as model:
        first = tokenizer("phi3").processor.get_piece_size()
        assert model.tokenize(b"<|user|>\n a", add_bos=False, special=True)[0] == first + 2
        assert model.tokenize(b"<|user|>\n a", add_bos=False, special=True) == model.tokenize(
            b"<|user|>a", add_bos=False, special=True
        )


def read(header, key):
    return header.read_array(header.metadata[f"tokenizer.ggml.{key}"])


def test_the_vocabulary_is_filled_up_to_the_embedding(checkpoint, convert_to):
    made = checkpoint("llama-3")
    header = convert_to(made.folder)
    assert read(header, "tokens")[-3:] == ["[PAD0]", "[PAD1]", "[PAD2]"]
    assert read(header, "token_type")[-4:] == [4, 5, 5, 5]
    assert header.metadata["tokenizer.ggml.bos_token_id"] == made.tokenizer.count - 4
    assert header.metadata["tokenizer.ggml.eos_token_id"] == made.tokenizer.count - 3
    assert header.metadata["tokenizer.ggml.add_bos_token"] is True
    assert header.metadata["tokenizer.ggml.add_eos_token"] is False


@pytest.fixture
def folder(checkpoint, tmp_path):
    return shutil.copytree(checkpoint("llama-3").folder, tmp_path / "copy")


@pytest.fixture
def edit(folder):
    def edit(name, change):
        path = folder / name
        document = json.loads(path.read_text()) if path.exists() else {}
        path.write_text(json.dumps(change(document) or document))

    return edit


def test_merges_may_be_texts(folder, edit, gguf, convert_to):
    def joined(document):
        merges = document["model"]["merges"]
        assert isinstance(merges[0], list)
        document["model"]["merges"] = [" ".join(pair) for pair in merges]

    edit("tokenizer.json", joined)
    assert convert_to(folder).path.read_bytes() == gguf("llama-3").read_bytes()


def test_the_generation_may_end_with_several_tokens(folder, edit, convert_to):
    edit("generation_config.json", lambda _: {"eos_token_id": [701, 5, 7, 9]})
    header = convert_to(folder)
    ends = [header.metadata[f"tokenizer.ggml.{name}_token_id"] for name in ("eos", "eot", "eom")]
    assert ends == [701, 5, 7]


def test_without_a_name_the_numbers_count(folder, edit, convert_to):
    edit("tokenizer_config.json", lambda _: {"bos_token": None})
    edit("generation_config.json", lambda _: {"eos_token_id": [3], "bos_token_id": 4})
    header = convert_to(folder)
    assert header.metadata["tokenizer.ggml.bos_token_id"] == 4
    assert header.metadata["tokenizer.ggml.eos_token_id"] == 3


@pytest.mark.parametrize("flag", [True, False])
def test_the_configuration_says_what_is_put_around(folder, edit, convert_to, flag):
    edit("tokenizer_config.json", lambda _: {"add_bos_token": flag, "bos_token": SPECIALS[0]})
    assert convert_to(folder).metadata["tokenizer.ggml.add_bos_token"] is flag


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("tokenizer_config.json", {"chat_template": "{{ messages }}"}),
        (
            "tokenizer_config.json",
            {
                "chat_template": [
                    {"name": "tool_use", "template": "no"},
                    {"name": "default", "template": "{{ messages }}"},
                ]
            },
        ),
        ("chat_template.json", {"chat_template": "{{ messages }}"}),
        ("chat_template.jinja", None),
    ],
)
def test_the_chat_template_is_carried_over(folder, edit, convert_to, name, content):
    if content:
        edit(name, lambda document: document | content)
    else:
        (folder / name).write_text("{{ messages }}")
    assert convert_to(folder).chat_template == "{{ messages }}"


def test_words_of_a_plain_list_are_the_same(checkpoint, gguf, convert_to, tmp_path):
    made = checkpoint("bert", "float32")
    folder = shutil.copytree(made.folder, tmp_path / "copy")
    ids = made.tokenizer.tokenizer.get_vocab()
    (folder / "vocab.txt").write_text("\n".join(sorted(ids, key=ids.get)) + "\n")
    (folder / "tokenizer.json").unlink()
    made = convert_to(folder, single=True).path.read_bytes()
    assert made == gguf("bert", "float32").read_bytes()


@pytest.mark.native
def test_capitals_may_matter(checkpoint, convert_to, tmp_path):
    folder = shutil.copytree(checkpoint("bert").folder, tmp_path / "copy")
    cased = Words(lower=False, size=600)
    cased.write(folder)
    header = convert_to(folder)
    with converted.opened(header.path, encodes=True) as model:
        for text in ("The Quick brown FOX", "Ein süßes Übermaß", "MixedCase"):
            assert converted.tokens(model, text) == cased.encode(text)


def break_vocabulary(document):
    document["model"]["vocab"]["a"] = -1


def break_merges(document):
    document["model"]["merges"][0] = ["a", "b", "c"]


def break_ids(document):
    document["added_tokens"][0]["id"] = 1 << 40


def break_sizes(document):
    document["added_tokens"][0]["id"] = 900


def break_surrogates(document):
    document["added_tokens"][0]["content"] = "\ud800"


def break_model(document):
    document["model"]["type"] = "Unigram"


def break_everything(_):
    return [1]


def break_types(document):
    document["added_tokens"] = 5


def break_twice(document):
    document["added_tokens"][0]["content"] = document["added_tokens"][1]["content"]


@pytest.mark.parametrize(
    "change",
    [
        break_vocabulary, break_merges, break_ids, break_sizes, break_surrogates, break_model,
        break_everything, break_types, break_twice,
    ],
)  # fmt: skip
def test_a_broken_tokenizer_is_an_error(folder, edit, convert_to, change):
    edit("tokenizer.json", change)
    with pytest.raises(Exception, match=r"tokenizer|same text") as caught:
        convert_to(folder)
    assert type(caught.value).__module__ == "ollama_nb.errors"


@pytest.mark.parametrize("data", [b"", b"\xff" * 100, b"\x0a\x7f", b"{}", bytes(1 << 20)])
def test_a_broken_piece_model_is_an_error(checkpoint, convert_to, tmp_path, data):
    folder = shutil.copytree(checkpoint("llama").folder, tmp_path / "copy")
    (folder / "tokenizer.model").write_bytes(data)
    with pytest.raises(Unconvertible, match="tokenizer"):
        convert_to(folder)


def test_no_tokenizer_is_an_error(folder, convert_to):
    (folder / "tokenizer.json").unlink()
    with pytest.raises(Unconvertible, match=r"^unknown tokenizer format$"):
        convert_to(folder)
