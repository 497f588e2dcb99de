"""What a token costs beyond ``llama_decode``, and how soon a cancelled sequence ends."""

import time
from collections.abc import Callable
from functools import partial
from statistics import median

from ollama_nb.engine.sequence import Finish
from ollama_nb.settings import Settings
from ollama_nb.wire import GenerateResponse

from .engine import DEFAULT, GREEDY, Engine, InKernel, decode_times, ended, endless, spec_of
from .models import Measured
from .table import Row

_NUM_SAMPLED = 257
_LONG_PROMPT = 3000
_Generate = Callable[[], Finish | GenerateResponse]


def cost_rows(model: Measured, settings: Settings, *, rounds: int) -> list[Row]:
    """Microseconds per token: the runner's loop minus the time inside ``llama_decode``."""
    # One after the other: see speed._measure.
    engine = Engine(spec_of(model.path, threads=0))
    try:
        rows = [
            _cost_row(f"{model.name}: {way}", partial(engine.run, 1, _NUM_SAMPLED, how), rounds)
            for way, how in (("greedy", GREEDY), ("default sampling", DEFAULT))
        ]
    finally:
        engine.close()
    kernel = InKernel(settings, model.name, threads=0)
    try:
        stream = partial(kernel.run, "a", _NUM_SAMPLED, DEFAULT)
        return [*rows, _cost_row(f"{model.name}: in-kernel stream", stream, rounds)]
    finally:
        kernel.close()


def _cost_row(work: str, generate: _Generate, rounds: int) -> Row:
    with endless():
        generate()
        figures = [_cost(generate) for _ in range(rounds)]
    shares = [step / (step + cost) for cost, step in figures]
    return Row(
        f"token beyond llama_decode, {work}",
        f"{median(cost for cost, _ in figures):,.0f} µs",
        f"{median(step for _, step in figures):,.0f} µs inside",
        f"{max(shares):.2f}",
        f"{median(shares):.2f}",
    )


def _cost(generate: _Generate) -> tuple[float, float]:
    """Microseconds per token outside and inside ``llama_decode``."""
    with decode_times() as times:
        end = generate()
    elapsed = end.eval_ns if isinstance(end, Finish) else end.eval_duration
    inside = sum(times[-(end.eval_count - 1) :])
    return (elapsed - inside) / (end.eval_count - 1) / 1e3, inside / (end.eval_count - 1) / 1e3


def interrupt_rows(model: Measured, *, rounds: int) -> list[Row]:
    """Milliseconds from ``cancel`` to Finish, in a long prompt and while generating."""
    engine = Engine(spec_of(model.path, threads=0))
    try:
        with endless():
            decode = engine.run(1, 33, DEFAULT)
            step = decode.eval_ns / 32 / 1e6
            longest = min(_LONG_PROMPT, engine.spec.window - 1)
            in_prompt = [_interrupt(engine, longest, 0.01) for _ in range(rounds)]
            in_decode = [_interrupt(engine, 1, 0.1) for _ in range(rounds)]
    finally:
        engine.close()
    return [
        Row(
            f"{model.name}: cancel to end, {phase}",
            f"{max(times):.1f} ms worst",
            f"{step:.1f} ms a step",
            middle=f"{median(times):.1f} ms",
            aim=f"≤ {step + 50:.0f} ms",
        )
        for phase, times in (("in a long prompt", in_prompt), ("while generating", in_decode))
    ]


def _interrupt(engine: Engine, num_prompt: int, after: float) -> float:
    number, ends = engine.start(num_prompt, 3000, DEFAULT)
    time.sleep(after)
    before = time.perf_counter()
    engine.runner.cancel(number)
    end = ended(ends)
    if end.done_reason != "cancelled":
        raise RuntimeError(f"the answer had ended before it was cancelled: {end.done_reason}")
    return (time.perf_counter() - before) * 1e3
