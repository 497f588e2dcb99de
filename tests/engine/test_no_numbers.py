"""A model that computes NaN, as damaged weights make it: its answer ends and says so."""

from contextlib import closing

import numpy as np
import pytest
from model_files import endless_model

from ollama_nb.engine.local import LocalHost
from ollama_nb.engine.spec import load_spec
from ollama_nb.errors import EngineError
from ollama_nb.gguf import check_model
from ollama_nb.settings import Settings
from ollama_nb.wire import Options


@pytest.fixture
def damaged(tmp_path):
    model = endless_model(128)
    norm = next(one for one in model.tensors if one.name == "output_norm.weight")
    norm.data = np.full(norm.shape, np.nan, np.float32).tobytes()
    path = tmp_path / "damaged.gguf"
    path.write_bytes(model.encode())
    with closing(
        LocalHost().load(load_spec(path, check_model(path), Options(), Settings(num_parallel=2)))
    ) as runner:
        yield runner


@pytest.mark.parametrize(
    "options",
    [{"temperature": 0}, {}, {"top_k": 0, "min_p": 0.1}, {"mirostat": 2}, {"repeat_penalty": 1.3}],
)
def test_an_answer_of_no_numbers_ends_with_an_error(damaged, submit, options):
    with pytest.raises(EngineError, match="NaN"):
        submit([5, 6], options, on=damaged, top_logprobs=2).finish()
    assert damaged.alive
