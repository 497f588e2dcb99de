"""The result of embed: an array when somebody wants one, a line when it is shown."""

import dataclasses
import subprocess
import sys

import numpy as np
import pytest

from ollama_nb.commands.embed_result import EmbedResult
from ollama_nb.wire import EmbedRequest, EmbedResponse

REQUEST = EmbedRequest(model="guide", input=["one", "two"])
ANSWER = EmbedResponse(
    model="guide",
    embeddings=[[0.5, -1.0, 0.0], [1.0, 2.0, 3.0]],
    total_duration=30_000_000,
    load_duration=20_000_000,
    prompt_eval_count=5,
)
RESULT = EmbedResult.of(REQUEST, ANSWER)
STOPPED = EmbedResult.interruption(REQUEST)
NOTHING = EmbedResult.of(
    EmbedRequest(model="guide", input=[]), EmbedResponse(model="guide", embeddings=[])
)


def test_vectors_are_an_array_of_float32():
    assert RESULT.vectors.dtype == np.float32
    assert RESULT.vectors.tolist() == [[0.5, -1.0, 0.0], [1.0, 2.0, 3.0]]
    assert RESULT.vectors is RESULT.vectors


def test_numpy_takes_it_for_an_array():
    assert np.asarray(RESULT) is RESULT.vectors
    assert np.asarray(RESULT, np.float64).dtype == np.float64
    assert (np.asarray(RESULT) @ RESULT.vectors[0]).shape == (2,)
    assert (np.linalg.norm(RESULT, axis=1) > 1).all()
    copy = np.array(RESULT)
    copy[0] = 9
    assert RESULT.vectors[0, 0] == 0.5


def test_what_it_holds():
    assert (RESULT.model, RESULT.texts) == ("guide", ("one", "two"))
    assert (len(RESULT), RESULT.width) == (2, 3)
    assert RESULT.stats.prompt_tokens == 5
    assert RESULT.stats.total_seconds == pytest.approx(0.03)
    assert RESULT.stats.load_seconds == pytest.approx(0.02)
    assert not RESULT.interrupted
    with pytest.raises(dataclasses.FrozenInstanceError):
        RESULT.model = "other"


def test_it_names_nothing_that_changes_from_run_to_run():
    assert repr(RESULT) == str(RESULT) == "<EmbedResult of guide: 2 vectors of 3 numbers>"
    assert RESULT.line() == "guide · 2 vectors of 3 numbers · 5 tokens"
    assert RESULT._repr_mimebundle_(include=None) == {"text/plain": RESULT.line()}


def test_one_of_each_is_singular():
    single = EmbedResult.of(
        EmbedRequest(model="guide", input=["a"]),
        EmbedResponse(model="guide", embeddings=[[1.0]], prompt_eval_count=1),
    )
    assert single.line() == "guide · 1 vector of 1 number · 1 token"


def test_an_interrupted_one_says_so_and_is_empty():
    assert STOPPED.interrupted
    assert STOPPED.texts == ("one", "two")
    assert (len(STOPPED), STOPPED.vectors.shape) == (0, (0, 0))
    assert repr(STOPPED) == "<EmbedResult of guide: interrupted>"
    assert STOPPED.line() == "guide · interrupted"


def test_without_texts_there_are_no_vectors():
    assert NOTHING.vectors.shape == (0, 0)
    assert NOTHING.line() == "guide · no vectors"
    assert not NOTHING.interrupted


def test_numpy_is_loaded_when_an_array_is_wanted():
    code = (
        "import sys\n"
        "from ollama_nb.commands.embed_result import EmbedResult\n"
        "from ollama_nb.commands.result import Stats\n"
        "result = EmbedResult('guide', ('a',), [[1.0, 2.0]], Stats())\n"
        "assert result.line() and repr(result) and len(result) == 1\n"
        "assert 'numpy' not in sys.modules\n"
        "result.vectors\n"
        "assert 'numpy' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
