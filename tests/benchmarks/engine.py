"""Our engine at two depths: the runner by itself, and the service with a consumer on its stream."""

import random
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from llama_cpp import llama_cpp as lib

from ollama_nb.engine import native
from ollama_nb.engine.host import Host, LoadedModel
from ollama_nb.engine.live import LiveSequence
from ollama_nb.engine.local import LocalHost
from ollama_nb.engine.sequence import Event, Finish, SequenceRequest
from ollama_nb.engine.spec import LoadSpec, load_spec
from ollama_nb.gguf import check_model
from ollama_nb.service import Service, Stream
from ollama_nb.settings import Settings
from ollama_nb.wire import GenerateRequest, GenerateResponse, Options

from .at_once import Answer
from .llama_bench import Speeds
from .prompts import as_text, letter_prompts

GREEDY: dict[str, Any] = {"temperature": 0, "seed": 1}
DEFAULT: dict[str, Any] = {"seed": 1}
VARIED: dict[str, Any] = {"temperature": 0, "frequency_penalty": 1}
"""The likeliest token without repeating one for ever, by options that every server has."""
_NS = 1e9


def spec_of(path: Path, *, threads: int, num_parallel: int = 4, **options: Any) -> LoadSpec:
    """What the scheduler would ask for with this ``num_thread`` and everything else default."""
    merged = Options.merge({"num_thread": threads, **options})
    return load_spec(path, check_model(path), merged, Settings(num_parallel=num_parallel))


class Engine:
    """One loaded model without store, service or consumer."""

    def __init__(self, spec: LoadSpec, host: Host | None = None) -> None:
        """Load in this process, unless ``host`` is another."""
        self.spec = spec
        self.runner: LoadedModel = (host or LocalHost()).load(spec)
        self._draw = random.Random(1)

    def start(
        self, num_prompt: int, num_predict: int, sampling: dict[str, Any]
    ) -> tuple[int, SimpleQueue[Event | Exception]]:
        """Submit random tokens; return the sequence's number and where its end will arrive."""
        prompt = [self._draw.randrange(256) for _ in range(num_prompt)]
        return self.submit(prompt, num_predict, sampling)

    def streams(
        self, prompts: Sequence[Sequence[int]], num_predict: int, sampling: dict[str, Any] = GREEDY
    ) -> float:
        """Complete all prompts at once; see LlamaServer."""
        begun = time.perf_counter()
        running = [self.submit(prompt, num_predict, sampling) for prompt in prompts]
        count = sum(ended(ends).eval_count for _, ends in running)
        return count / (time.perf_counter() - begun)

    def answers(self, prompts: Sequence[Sequence[int]], num_predict: int) -> list[Answer]:
        """Complete all prompts at once, noting when each answer began."""
        begun = time.perf_counter()
        watched = [_Watched() for _ in prompts]
        for prompt, one in zip(prompts, watched, strict=True):
            self.runner.submit(request_of(prompt, num_predict, GREEDY), one)
        ends = [ended(one.ends) for one in watched]
        firsts = [one.first - begun for one in watched]
        return [Answer(*pair) for pair in zip(firsts, (end.tokens for end in ends), strict=True)]

    def submit(
        self, prompt: Sequence[int], num_predict: int, sampling: dict[str, Any]
    ) -> tuple[int, SimpleQueue[Event | Exception]]:
        """Submit these tokens; see ``start``."""
        return self._send(request_of(prompt, num_predict, sampling))

    def complete(self, request: SequenceRequest) -> Finish:
        """Generate what this asks for, and wait."""
        return ended(self._send(request)[1])

    def _send(self, request: SequenceRequest) -> tuple[int, SimpleQueue[Event | Exception]]:
        watched = _Watched()
        return self.runner.submit(request, watched), watched.ends

    def run(self, num_prompt: int, num_predict: int, sampling: dict[str, Any]) -> Finish:
        """Generate and wait."""
        return ended(self.start(num_prompt, num_predict, sampling)[1])

    def speeds(self, num_prompt: int, num_decode: int, sampling: dict[str, Any]) -> Speeds:
        """As llama-bench measures: the prompt and the generation each from an empty context."""
        self.run(1, 2, sampling)
        prompt = self.run(num_prompt, 1, sampling)
        decode = self.run(1, num_decode + 1, sampling)
        return Speeds(
            prompt=prompt.prompt_count / prompt.prompt_ns * _NS,
            decode=(decode.eval_count - 1) / decode.eval_ns * _NS,
        )

    def close(self) -> None:
        self.runner.close()


def request_of(
    prompt: Sequence[int], num_predict: int, sampling: dict[str, Any], *, schema: str | None = None
) -> SequenceRequest:
    """Generate so many tokens, within a schema if there is one."""
    return SequenceRequest(
        tokens=tuple(prompt),
        options=Options.merge(sampling),
        num_predict=num_predict,
        num_keep=0,
        schema=schema,
    )


class _Watched:
    """Takes the events of a sequence: keeps its end, and when the first one came."""

    def __init__(self) -> None:
        self.ends: SimpleQueue[Event | Exception] = SimpleQueue()
        self.first = 0.0

    def __call__(self, event: Event | Exception) -> None:
        self.first = self.first or time.perf_counter()
        if isinstance(event, Exception) or event.done:
            self.ends.put(event)


class InKernel:
    """A service over a store, consumed as a cell consumes it."""

    def __init__(self, settings: Settings, model: str, *, threads: int) -> None:
        self.service = Service(settings)
        self._model = model
        self._threads = threads

    def stream(
        self, prompt: str, num_predict: int, sampling: dict[str, Any]
    ) -> Stream[GenerateResponse]:
        """Begin an answer."""
        options = {**sampling, "num_predict": num_predict, "num_thread": self._threads}
        request = GenerateRequest(model=self._model, prompt=prompt, raw=True, options=options)
        return self.service.generate(request)

    def run(self, prompt: str, num_predict: int, sampling: dict[str, Any]) -> GenerateResponse:
        """Generate, taking every chunk of the stream; return the last."""
        last = None
        for chunk in self.stream(prompt, num_predict, sampling):
            last = chunk
        if last is None:
            raise RuntimeError("the stream was empty")
        return last

    def speeds(self, num_prompt: int, num_decode: int, sampling: dict[str, Any]) -> Speeds:
        """See Engine.speeds."""
        self.run("a", 2, sampling)
        [letters] = letter_prompts(1, num_prompt, seed=2)
        prompt = self.run(as_text(letters), 1, sampling)
        decode = self.run("a", num_decode + 1, sampling)
        return Speeds(
            prompt=prompt.prompt_eval_count / prompt.prompt_eval_duration * _NS,
            decode=(decode.eval_count - 1) / decode.eval_duration * _NS,
        )

    def close(self) -> None:
        self.service.close()


def ended(ends: SimpleQueue[Event | Exception]) -> Finish:
    """Wait for the end of a sequence. Raises what the engine sent instead."""
    event = ends.get()
    if not isinstance(event, Finish):
        raise event if isinstance(event, Exception) else TypeError(event)
    return event


@contextmanager
def endless() -> Iterator[None]:
    """Let only its length end an answer, at unchanged cost.

    Trained models stop by themselves, and greedy answers of random ones repeat a token for ever.
    """
    with _never(native.Model, "is_end"), _never(LiveSequence, "_is_stuck"):
        yield


@contextmanager
def _never(kind: type, name: str) -> Iterator[None]:
    """Let a method work as ever, and say no."""
    original = getattr(kind, name)

    def never(*arguments: Any) -> bool:
        original(*arguments)
        return False

    setattr(kind, name, never)
    try:
        yield
    finally:
        setattr(kind, name, original)


@contextmanager
def decode_times() -> Iterator[list[int]]:
    """Nanoseconds of every ``llama_decode`` while this is open, waiting for the GIL included."""
    times: list[int] = []
    original = lib.llama_decode

    def timed(context: Any, batch: Any) -> int:
        before = time.perf_counter_ns()
        result: int = original(context, batch)
        times.append(time.perf_counter_ns() - before)
        return result

    lib.llama_decode = timed
    try:
        yield times
    finally:
        lib.llama_decode = original
