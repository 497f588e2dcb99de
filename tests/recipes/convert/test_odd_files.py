"""Whatever the small files of a checkpoint say: a GGUF, or an error of ours."""

import contextlib
import copy
import json
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ollama_nb.errors import OllamaError
from ollama_nb.recipes.convert import Checkpoint, convert

_ODD = (
    None, 0, -1, 1, 3, 1 << 20, 1 << 31, 1 << 64, 10**400, 1.5, 1e300, 1e-300, float("nan"),
    float("-inf"), True, "", "x", "llama3", "yarn", "longrope", [], [1], ["a"], [[]], {}, {"a": 1},
    {"rope_type": "yarn"}, {"content": 5}, {"type": "Sequence"}, "\ud800", "\0", "\u2581",
)  # fmt: skip
_FILES = ("config.json", "config.json", "tokenizer_config.json", "tokenizer.json")
_CASES = ("llama-3.1", "llama-yarn", "mixtral", "gemma3", "phi3-long", "bert", "nomic")


def places(document):
    """Every place in it, but of long lists and vocabularies only the first ones."""
    items = document.items() if isinstance(document, dict) else enumerate(document)
    for key, value in list(items)[:60]:
        yield document, key
        if isinstance(value, dict | list):
            yield from places(value)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("odd")


@settings(max_examples=150)
@given(st.sampled_from(_CASES), st.sampled_from(_FILES), st.data())
def test_odd_values_are_taken_or_refused(checkpoint, folder, name, file, data):
    files = {path.name: path for path in checkpoint(name).folder.iterdir()}
    if file not in files:
        return
    document = json.loads(files[file].read_text())
    for _ in range(data.draw(st.integers(1, 2))):
        found = list(places(document))
        part, key = found[data.draw(st.integers(0, len(found) - 1))]
        part[key] = copy.deepcopy(data.draw(st.sampled_from(_ODD)))
    files[file] = folder / "odd.json"
    files[file].write_text(json.dumps(document))
    with contextlib.suppress(OllamaError):
        convert(
            Checkpoint(files), folder / "made.gguf",
            progress=lambda completed, total: None, stop=threading.Event(),
        )  # fmt: skip


@pytest.mark.parametrize("text", ["", "{", "[]", "1", "\ufeff{}", "[" * 100_000, '{"a":' * 50_000])
def test_what_is_no_object_is_an_error(checkpoint, tmp_path, text):
    files = {path.name: path for path in checkpoint("llama").folder.iterdir()}
    files["config.json"] = tmp_path / "config.json"
    files["config.json"].write_text(text)
    with pytest.raises(OllamaError, match=r"^parse config\.json: "):
        convert(
            Checkpoint(files), tmp_path / "made.gguf",
            progress=lambda completed, total: None, stop=threading.Event(),
        )  # fmt: skip
