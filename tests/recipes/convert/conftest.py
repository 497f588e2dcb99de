"""Checkpoints are made once for all tests: `transformers` takes seconds to wake up."""

import threading

import pytest

pytest.importorskip("torch", reason="checkpoints are made with torch")
pytest.importorskip("transformers", reason="checkpoints are made with transformers")
pytest.importorskip("sentencepiece", reason="tokenizers are trained with sentencepiece")

from checkpoints import CASES, ENCODERS, Checkpoint, files_of
from tokenizer_files import KINDS

from ollama_nb.recipes.convert import Checkpoint as Files
from ollama_nb.recipes.convert import convert


def converted(files, target, *, single=False, progress=lambda done, total: None, stop=None):
    """Convert a folder or files."""
    files = files if isinstance(files, Files) else files_of(files)
    return convert(files, target, progress=progress, stop=stop or threading.Event(), single=single)


@pytest.fixture(scope="session")
def tokenizer():
    """A tokenizer of a kind."""
    made = {}

    def tokenizer(kind):
        if kind not in made:
            made[kind] = KINDS[kind]()
        return made[kind]

    return tokenizer


@pytest.fixture(scope="session")
def checkpoint(tokenizer, tmp_path_factory):
    """A checkpoint by the name of its case and the type of its numbers. Not to be changed."""
    made = {}

    def checkpoint(name, dtype="float16"):
        if (name, dtype) not in made:
            kind, config, cutter = (CASES | ENCODERS)[name]
            folder = tmp_path_factory.mktemp(f"{name}-{dtype}")
            made[name, dtype] = Checkpoint(kind, config, tokenizer(cutter), folder, dtype)
        return made[name, dtype]

    return checkpoint


@pytest.fixture(scope="session")
def gguf(checkpoint, tmp_path_factory):
    """Such a checkpoint's GGUF; what is float32 has stayed so."""
    made = {}

    def gguf(name, dtype="float16"):
        if (name, dtype) not in made:
            path = tmp_path_factory.mktemp("gguf") / f"{name}-{dtype}.gguf"
            converted(checkpoint(name, dtype).folder, path, single=True)
            made[name, dtype] = path
        return made[name, dtype]

    return gguf


@pytest.fixture
def convert_to(tmp_path):
    """Convert a folder or files, into a file of the test's own; return the header."""

    def convert_to(files, **how):
        return converted(files, tmp_path / "made.gguf", **how)

    return convert_to
