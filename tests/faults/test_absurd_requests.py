"""Requests of any size and sign: an error or an answer, and the next one is answered as ever.

What a single option or body may look like is tested beside the code that reads it; here all of it
goes the whole way to the engine, through the service and through the route table.
"""

import contextlib
import json
import math
from dataclasses import replace

import pytest

from ollama_nb.errors import BadRequest, OllamaError
from ollama_nb.http import Request, handle
from ollama_nb.service import Service
from ollama_nb.wire import EmbedRequest

pytestmark = pytest.mark.native

NUMBERS = (0, -1, -5, 2**31 - 1, 2**31, 2**63, -(2**63), 10**9, 10**40, 1e308, -1e308, 1e-320)
WHOLE = ("num_ctx", "num_batch", "num_thread", "num_keep", "num_gpu", "main_gpu")
SAMPLING = (
    "seed", "temperature", "top_k", "top_p", "min_p", "typical_p", "repeat_last_n",
    "repeat_penalty", "presence_penalty", "frequency_penalty", "mirostat_tau", "mirostat_eta",
)  # fmt: skip
ALL_AT_ONCE = (
    {"repeat_last_n": 2**31, "repeat_penalty": 1e38, "presence_penalty": -1e38},
    {"mirostat": 1, "mirostat_tau": -1e308, "mirostat_eta": 1e308, "temperature": 1e308},
    {"mirostat": 2, "mirostat_tau": 1e308, "mirostat_eta": -1e308, "temperature": 1e-5},
    {"top_k": 2**40, "top_p": -1, "min_p": 2, "typical_p": -1, "temperature": 1e308},
    {"top_k": -1, "top_p": 1e-320, "min_p": 1e-320, "typical_p": 1e-320},
    {"rope_frequency_base": 1e-300, "rope_frequency_scale": 1e308},
    {"num_keep": 2**40, "num_ctx": 5, "num_predict": 40},
    {"num_keep": -5, "num_ctx": 4, "num_predict": 40, "num_batch": 1},
)
STOPS = {
    "a hundred thousand": ["a"] * 10**5,
    "empty": [""],
    "empty ones": [""] * 10**5,
    "long": ["x" * 10**6],
    "half of a pair": ["\ud800"],
    "nul": ["\0"],
}
WINDOW = 2048
PROMPTS = {
    "a hundred windows": "word " * (100 * WINDOW),
    "half of a pair": "\ud800",
    "halves in the wrong order": "a \udc00\ud800 b",
    "nul": "\0",
    "nuls": "a\0b" * 1000,
    "a space": " ",
    "spaces": " " * 10**5,
    "marks": "\u0301" * 10**5,
    "one letter": "a" * (3 * 10**5),
    "lines": "\n" * 10**5,
    "joined": "\U0001f469\u200d" * 10**4,
    "a cut": "\ufdd0",
    "beyond": "\U0010ffff" * 1000,
}
CONTEXTS = {
    "too large": [2**31],
    "far too large": [2**63],
    "beyond 64 bits": [2**70],
    "far below": [-(2**63)],
    "the last but one too large": [4095, 4096],
    "a million": [7] * 10**6,
    "more than the window": [7] * (WINDOW + 1),
    "controls": list(range(4080, 4096)) * 10,
}

WRONG_TYPES = {
    "context": [7, True],
    "shift": 1,
    "top_logprobs": 1.5,
    "images": [b"pixels"],
    "options": {1: 2},
    "prompt": None,
}


@pytest.fixture(scope="module")
def service(settings):
    """Models live in this process, so that a death would be that of all tests."""
    service = Service(replace(settings, num_parallel=1))
    yield service
    service.close()


@pytest.fixture
def survives(service, make_request, answers):
    """Ask, take an answer or an error of ours, and see that the next answer is as ever."""

    def survives(service=service, **fields):
        fields["options"] = {"num_predict": 2} | fields.get("options", {})
        with contextlib.suppress(OllamaError):
            answer = service.generate(make_request(**fields)).fold()
            assert answer.done_reason in ("stop", "length")
        assert answers(service)

    return survives


@pytest.mark.parametrize("name", WHOLE)
def test_numbers_that_shape_what_is_loaded(survives, name):
    for number in (-5, 2**63):
        survives(options={name: number})


def test_numbers_of_sampling(service, make_request, answers):
    for name in SAMPLING:
        for number in NUMBERS:
            options = {"num_predict": 2, name: number}
            answer = service.generate(make_request(options=options)).fold()
            assert answer.done_reason in ("stop", "length"), options
    assert answers(service)


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_refused(service, make_request, answers, number):
    for name in (*WHOLE, *SAMPLING):
        with pytest.raises(OllamaError, match=name):
            service.generate(make_request(options={name: number}))
    assert answers(service)


@pytest.mark.parametrize("options", ALL_AT_ONCE)
def test_several_at_once(survives, options):
    survives(options=options)


@pytest.mark.parametrize("kind", STOPS)
def test_stops(survives, kind):
    survives(options={"stop": STOPS[kind]})


@pytest.mark.parametrize("kind", PROMPTS)
def test_prompts(survives, kind):
    survives(prompt=PROMPTS[kind])
    if len(PROMPTS[kind]) <= 10**5:
        survives(prompt=PROMPTS[kind], raw=True)


def test_prompts_around_a_gap(survives):
    for kind in ("spaces", "half of a pair", "nul"):
        survives(prompt=PROMPTS[kind], suffix=PROMPTS[kind])


@pytest.mark.parametrize("kind", CONTEXTS)
def test_contexts(survives, kind):
    survives(context=CONTEXTS[kind])


def test_all_of_it_between_two_processes(settings, survives, make_request):
    """Whatever cannot be sent is refused; the worker, with all who use it, stays."""
    service = Service(replace(settings, engine="worker"))
    try:
        service.generate(make_request(prompt="")).fold()
        (first,) = service.scheduler.loaded()
        for context in CONTEXTS.values():
            survives(service, context=context)
        for stop in STOPS.values():
            survives(service, options={"stop": stop})
        for kind in ("half of a pair", "halves in the wrong order", "nul", "marks", "beyond"):
            survives(service, prompt=PROMPTS[kind])
        survives(service, options={"seed": -(10**40), "top_k": 2**40, "temperature": 1e308})
        (last,) = service.scheduler.loaded()
        assert last.runner is first.runner
        assert last.runner.alive
    finally:
        service.close()


@pytest.mark.parametrize("engine", ["local", "worker"])
def test_a_value_of_the_wrong_type_costs_nobody_else(settings, make_request, engine):
    service = Service(replace(settings, engine=engine))
    try:
        options = {"num_predict": 10**6, "temperature": 1.5}
        other = service.generate(make_request(model="endless", options=options))
        next(iter(other))
        for name, value in WRONG_TYPES.items():
            wrong = make_request(**{"model": "endless", name: value})
            with pytest.raises(BadRequest, match=rf"\$\.{name}\b"):
                service.generate(wrong)
        with pytest.raises(BadRequest, match="owner"):
            service.generate(make_request(model="endless"), owner=5)
        wrong = EmbedRequest(model="endless", input="a", dimensions=1.5)
        with pytest.raises(BadRequest, match="dimensions"):
            service.embed(wrong)
        (loaded,) = service.scheduler.loaded()
        assert loaded.runner.alive
        other.cancel()
        assert other.fold().done_reason == "cancelled"
    finally:
        service.close()


@pytest.fixture
def post(service):
    """POST a body: the status, and all lines of the answer."""

    def post(body):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        response = handle(service, Request("POST", "/api/generate", {}, data))
        try:
            body = response.body
            text = body if isinstance(body, bytes) else b"".join(body)
        except OllamaError as error:
            return error.status, [{"error": str(error)}]
        return response.status, [json.loads(line) for line in text.splitlines()]

    return post


@pytest.mark.parametrize(
    "body",
    [
        *({"options": {name: -(2**63), "num_predict": 1}} for name in WHOLE),
        {"options": {"num_ctx": 10**40, "num_batch": 10**40, "num_thread": 10**40}},
        {"options": dict.fromkeys(SAMPLING, -(10**40))},
        {"options": dict.fromkeys(SAMPLING, 10**40)},
        {"options": {"stop": ["a"] * 10**5}},
        {"options": {"stop": ["", "\ud800", "\0"]}},
        {"context": [2**64]},
        {"context": [2**63 - 1]},
        {"context": [-1]},
        {"context": [7] * 10**6},
        {"context": [7.5]},
        {"context": [True]},
        {"prompt": "\ud800"},
        {"prompt": "\0" * 1000, "raw": True},
        {"prompt": "\ufdd0", "raw": True},
        {"format": "\ud800"},
        {"keep_alive": "\ud800"},
        {"model": "\ud800"},
    ],
    ids=lambda body: json.dumps(body)[:40].encode("ascii", "replace").decode(),
)
def test_bodies(post, body, service, answers):
    options = {"num_predict": 2} | body.get("options", {})
    status, lines = post({"model": "guide", "prompt": "hi"} | body | {"options": options})
    assert status == 200 or lines[0]["error"]
    assert status in (200, 400, 404, 500)
    assert lines[0].get("error") != "internal error"
    assert sum(line.get("done", False) for line in lines) == (status == 200)
    assert answers(service)


@pytest.mark.parametrize(
    "number", [b"NaN", b"-Infinity", b"1e999", b"-1e999", b"1" * 5000, b"1e-999"]
)
def test_numbers_that_json_cannot_hold(post, number, service, answers):
    status, lines = post(
        b'{"model":"guide","prompt":"hi","options":{"num_predict":1,"temperature":%b}}' % number
    )
    assert status in (200, 400, 500)
    assert lines[0].get("error") != "internal error"
    assert answers(service)
