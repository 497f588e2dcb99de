"""How many texts become vectors in a second, against llama-server: all-MiniLM in float32."""

import json
import queue
import random
import sys
import time
import urllib.request
from pathlib import Path

from ollama_nb.engine.host import LoadedModel
from ollama_nb.engine.local import LocalHost
from ollama_nb.engine.sequence import EmbedRequest, Event
from ollama_nb.engine.spec import load_spec
from ollama_nb.gguf import check_model
from ollama_nb.settings import Settings
from ollama_nb.wire import Options

from .cache import cache_folder
from .served import served
from .table import Rounds, Row

_NUM_TEXTS = 256
_LENGTHS = ((8, "short texts"), (100, "long texts"))
"""Words of a text."""
_WORDS = ("the", "of", "water", "model", "house", "light", "where", "people", "sound", "between")


def embedding_rows(program: Path, *, threads: int, rounds: int) -> list[Row]:
    """Both get the texts in one request each, and all of them at once."""
    path = _model()
    options = Options(num_thread=threads)
    ours = LocalHost().load(load_spec(path, check_model(path), options, Settings()))
    numbers = {"-t": threads, "-np": 4, "-c": 4 * 512, "-b": 2048, "-ub": 2048}
    arguments = [str(part) for pair in numbers.items() for part in pair]
    command = [program, "-m", path, "--embedding", "--host", "127.0.0.1", *arguments]
    try:
        with served(command, "/health") as (address, _):
            return [
                _row(ours, address, words, f"all-MiniLM: embeddings, {what}", rounds)
                for words, what in _LENGTHS
            ]
    finally:
        ours.close()


def _row(ours: LoadedModel, address: str, words: int, what: str, rounds: int) -> Row:
    figures = Rounds()
    for round_ in range(rounds + 1):
        texts = _texts(words, seed=round_)
        own, other = _ours(ours, texts), _other(address, texts)
        if round_:
            figures.note(own, other)
    return figures.row(what, "≥ 1.0")


def _ours(model: LoadedModel, texts: list[str]) -> float:
    """Tokens a second, tokenizing included as on the other side."""
    begun = time.perf_counter()
    before, after = model.vocabulary.around
    tokens = tuple((*before, *model.tokenize([text], start=False), *after) for text in texts)
    events: queue.SimpleQueue[Event | Exception] = queue.SimpleQueue()
    model.submit(EmbedRequest(texts=tokens), events.put)
    answer = events.get()
    if isinstance(answer, Exception):
        raise answer
    return _rate(texts, begun)


def _other(address: str, texts: list[str]) -> float:
    begun = time.perf_counter()
    request = urllib.request.Request(
        f"{address}/v1/embeddings",
        json.dumps({"input": texts}).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request) as answer:
        found = json.load(answer)["data"]
    if len(found) != len(texts):
        raise RuntimeError(f"{len(found)} vectors for {len(texts)} texts")
    return _rate(texts, begun)


def _rate(texts: list[str], begun: float) -> float:
    """Words a second: both sides cut them into the same tokens."""
    return sum(len(text.split()) for text in texts) / (time.perf_counter() - begun)


def _texts(words: int, *, seed: int) -> list[str]:
    draw = random.Random(seed)
    return [" ".join(draw.choices(_WORDS, k=words)) for _ in range(_NUM_TEXTS)]


def _model() -> Path:
    path = cache_folder() / "all-minilm-f32.gguf"
    if not path.exists():
        sys.path.append(str(Path(__file__).parent.parent / "support"))
        from minilm import MiniLM, write_gguf

        write_gguf(MiniLM(), path.with_suffix(".part"))
        path.with_suffix(".part").rename(path)
    return path
