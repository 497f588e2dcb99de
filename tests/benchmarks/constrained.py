"""What structured output costs per token over free output, with a vocabulary of 151,936 tokens."""

import json
import time

from ollama_nb.engine.sequence import Finish

from .engine import DEFAULT, Engine, request_of, spec_of
from .models import Measured
from .table import Rounds, Row

_NUM_DECODE = 128
_PROMPT = (99, 100, 101)
_AIM = "≤ 1.03"


def _strings(**limits: int) -> str:
    """The schema of so many strings that no answer comes to its end."""
    items = {"type": "string", **limits}
    texts = {"type": "array", "items": items, "minItems": 1000}
    schema = {"type": "object", "properties": {"texts": texts}, "required": ["texts"]}
    return json.dumps(schema)


_SCHEMAS = {"long strings": _strings(), "strings of at most 20 letters": _strings(maxLength=20)}


def constrained_rows(model: Measured, *, rounds: int) -> list[Row]:
    """In turns, with one loaded model and default sampling: free, and within each schema."""
    figures = {what: Rounds() for what in _SCHEMAS}
    engine = Engine(spec_of(model.path, threads=0))
    try:
        first = _seconds_to_first(engine)
        for _ in range(rounds):
            free = _step(engine, None)
            for what, schema in _SCHEMAS.items():
                figures[what].note(_step(engine, schema), free)
        later = _seconds_to_first(engine)
    finally:
        engine.close()
    return [
        *(
            one.time_row(f"{model.name}: token of {what} / free", _AIM)
            for what, one in figures.items()
        ),
        Row(
            f"{model.name}: first token within a schema, first time / later",
            f"{first * 1e3:,.0f} ms",
            f"{later * 1e3:,.0f} ms",
        ),
    ]


def _seconds_to_first(engine: Engine) -> float:
    """The first time, the vocabulary is described to what keeps to the schema."""
    begun = time.perf_counter()
    _generate(engine, _SCHEMAS["long strings"], 1)
    return time.perf_counter() - begun


def _step(engine: Engine, schema: str | None) -> float:
    """Seconds per token after the first one."""
    end = _generate(engine, schema, _NUM_DECODE + 1)
    if end.eval_count != _NUM_DECODE + 1:
        raise RuntimeError(f"the answer had {end.eval_count} tokens only")
    return end.eval_ns / _NUM_DECODE / 1e9


def _generate(engine: Engine, schema: str | None, num_predict: int) -> Finish:
    return engine.complete(request_of(_PROMPT, num_predict, DEFAULT, schema=schema))
