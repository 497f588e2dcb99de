"""The contract, by the numbers of its reference (Ollama API, 17), through every front alike."""

import datetime
import json
import math
import re
import time

import pytest

QUESTION = "How do I pull a model?"
GREEDY = {"temperature": 0}
JSON = "application/json; charset=utf-8"
TEXT = "text/plain"


def generate(front, expected=200, **fields):
    answer = front.post("/api/generate", json={"model": "guide", "prompt": QUESTION} | fields)
    assert answer.status_code == expected, answer.text
    return answer


def whole(front, **fields):
    return generate(front, stream=False, **fields).json()


def lines(answer):
    return [json.loads(line) for line in answer.text.splitlines()]


def error(answer):
    assert answer.headers["content-type"] == JSON
    (key,) = answer.json()
    assert key == "error"
    return answer.json()["error"]


def loaded(front):
    return {model["name"]: model for model in front.get("/api/ps").json()["models"]}


@pytest.mark.parametrize("path", ["/", ""])
def test_1_heartbeat(front, path):
    answer = front.get(path)
    assert (answer.status_code, answer.text) == (200, "Ollama is running")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"


@pytest.mark.parametrize("path", ["/", "/api/version", "/api/tags"])
def test_2_head_is_get_without_a_body(front, path):
    head, get = front.head(path), front.get(path)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-type"] == get.headers["content-type"]
    assert int(head.headers["content-length"]) == len(get.content)


def test_3_version(front):
    answer = front.get("/api/version")
    assert answer.headers["content-type"] == JSON
    assert re.fullmatch(r"\d+\.\d+\.\d+", answer.json()["version"])
    assert answer.headers["server"].startswith("ollama_nb/")


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/api/generate"), ("HEAD", "/api/generate"), ("POST", "/api/tags"),
     ("POST", "/api/ps"), ("HEAD", "/api/ps"), ("DELETE", "/api/version"), ("PUT", "/"),
     ("PATCH", "/api/generate")],
)  # fmt: skip
def test_4_wrong_method(front, method, path):
    answer = front.request(method, path)
    assert answer.status_code == 405
    assert answer.headers["content-type"].startswith(TEXT)
    assert answer.text == ("" if method == "HEAD" else "405 method not allowed")


@pytest.mark.parametrize("path", ["/api/nothing", "/nothing", "/api", "/api/tags/x", "/API/TAGS"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_5_unknown_path(front, method, path):
    answer = front.request(method, path)
    assert (answer.status_code, answer.text) == (404, "404 page not found")
    assert answer.headers["content-type"].startswith(TEXT)


def test_6_no_body(front):
    answer = front.post("/api/generate", content=b"")
    assert answer.status_code == 400
    assert error(answer) == "missing request body"


def test_8_any_content_type_is_json(front):
    for kind in ("text/plain", "application/x-www-form-urlencoded", "application/octet-stream"):
        answer = front.post(
            "/api/generate",
            content=b'{"model":"guide","prompt":"hi&token=x&_xsrf=y","options":{"num_predict":1}}',
            headers={"Content-Type": kind},
        )
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "application/x-ndjson"


def test_9_keys_in_any_case(front):
    answer = front.post("/api/generate", json={"Model": "guide", "PROMPT": "hi", "stream": False})
    assert answer.json()["response"]


def test_10_unknown_keys(front):
    generate(front, bogus={"deep": [1]}, width=3, options={"num_predict": 1})


@pytest.mark.parametrize("body", ["{}", "null", '{"model":null}', '{"model":""}', '{"model":" "}'])
def test_11_no_model(front, body):
    answer = front.post("/api/generate", content=body)
    assert (answer.status_code, error(answer)) == (404, "model '' not found")


def test_12_unknown_model(front):
    assert error(generate(front, 404, model="nope")) == "model 'nope' not found"


def test_13_lines(front):
    answer = generate(front, options=GREEDY)
    assert answer.headers["content-type"] == "application/x-ndjson"
    assert answer.headers["x-accel-buffering"] == "no"
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.text.endswith("}\n")
    assert "\n\n" not in answer.text
    *before, last = lines(answer)
    assert before
    for line in before:
        assert list(line) == ["model", "created_at", "response", "done"]
        assert line["done"] is False
    assert last["done"] is True
    assert {"done_reason", "context", "eval_count", "total_duration"} <= last.keys()


def test_14_joined_lines_are_the_whole(front):
    streamed = lines(generate(front, options=GREEDY | {"seed": 1}))
    assert (
        "".join(line["response"] for line in streamed)
        == (whole(front, options=GREEDY | {"seed": 1})["response"])
    )


def test_15_durations(front):
    answer = generate(front, stream=False)
    assert "application/json" in answer.headers["content-type"]
    assert not answer.text.endswith("\n")
    body = answer.json()
    names = ("load_duration", "prompt_eval_duration", "eval_duration")
    assert all(isinstance(body[name], int) and body[name] > 0 for name in names)
    assert body["total_duration"] > max(body[name] for name in names)


@pytest.mark.parametrize("name", ["guide", "guide:latest", "Guide", " guide ", "library/guide"])
def test_16_model_is_echoed(front, name):
    answer = generate(front, model=name, options={"num_predict": 2})
    assert {line["model"] for line in lines(answer)} == {name}


def test_17_load(front):
    answer = front.post("/api/generate", json={"model": "guide"})
    assert answer.headers["content-type"] == JSON
    body = answer.json()
    assert datetime.datetime.fromisoformat(body.pop("created_at")).utcoffset().seconds == 0
    assert body == {"model": "guide", "response": "", "done": True, "done_reason": "load"}
    assert "guide:latest" in loaded(front)


def test_18_unload(front):
    front.post("/api/generate", json={"model": "guide:think"})
    answer = front.post("/api/generate", json={"model": "guide:think", "keep_alive": 0})
    assert answer.json()["done_reason"] == "unload"
    end = time.monotonic() + 20
    while "guide:think" in loaded(front):
        assert time.monotonic() < end


def seconds_left(front):
    expires = datetime.datetime.fromisoformat(loaded(front)["guide:latest"]["expires_at"])
    return (expires - datetime.datetime.now(datetime.UTC)).total_seconds()


def test_19_keep_alive(front):
    front.post("/api/generate", json={"model": "guide", "keep_alive": "10m"})
    assert 500 < seconds_left(front) <= 600


def test_20_keep_alive_forever(front):
    front.post("/api/generate", json={"model": "guide", "keep_alive": -1})
    assert seconds_left(front) > 100 * 365 * 86_400


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("5", 'time: missing unit in duration "5"'),
        ("-1", 'time: missing unit in duration "-1"'),
        ("1d", 'time: unknown unit "d" in duration "1d"'),
        ("abc", 'time: invalid duration "abc"'),
        ("", 'time: invalid duration ""'),
        (True, "Unsupported type: 'bool'"),
        ([1], "Unsupported type: '[]interface {}'"),
        ({}, "Unsupported type: 'map[string]interface {}'"),
    ],
)
def test_21_keep_alive_that_is_none(front, value, text):
    assert error(generate(front, 400, keep_alive=value)) == text


@pytest.mark.parametrize("extra", [{"system": "x"}, {"template": "x"}, {"context": [1]}])
def test_22_raw_excludes(front, extra):
    text = "raw mode does not support template, system, or context"
    assert error(generate(front, 400, raw=True, **extra)) == text


def test_23_raw_has_no_context(front):
    assert "context" not in whole(front, raw=True, options={"num_predict": 3})


def test_24_context_continues(front):
    options = {"num_predict": 8}
    first = whole(front, options=options)
    second = whole(front, options=options, context=first["context"])
    assert second["prompt_eval_count"] > first["prompt_eval_count"]


def test_25_suffix_without_the_ability(front):
    answer = generate(front, 400, model="endless", suffix="x")
    full = "registry.ollama.ai/library/endless:latest"
    assert error(answer) == f"{full} does not support insert"


def test_26_generate_on_an_embedding_model(front):
    text = '"embedder" does not support generate'
    assert error(generate(front, 400, model="embedder")) == text


def test_29_format_that_is_none(front):
    text = 'invalid format: "xml"; expected "json" or a valid JSON Schema object'
    assert error(generate(front, 500, format="xml")) == text


def test_30_num_predict(front):
    body = whole(front, options={"num_predict": 3})
    assert (body["eval_count"], body["done_reason"]) == (3, "length")


def test_31_unknown_option(front):
    generate(front, options={"bogus": 1, "num_predict": 1})


@pytest.mark.parametrize(
    ("option", "expected"),
    [
        ({"temperature": "hot"}, 'option "temperature" must be of type float32'),
        ({"num_ctx": "4096"}, 'option "num_ctx" must be of type integer'),
        ({"seed": True}, 'option "seed" must be of type integer'),
        ({"use_mmap": 1}, 'option "use_mmap" must be of type boolean'),
        ({"stop": "x"}, 'option "stop" must be of type array'),
        ({"stop": ["x", 1]}, 'option "stop" must be of an array of strings'),
    ],
)
def test_32_option_of_a_wrong_type(front, option, expected):
    assert error(generate(front, 500, options=option)) == expected


def test_33_stop(front):
    text = whole(front, options=GREEDY)["response"]
    stop = text[3:6]
    cut = whole(front, options=GREEDY | {"stop": [stop]})
    assert cut["response"] == text.partition(stop)[0]
    assert cut["done_reason"] == "stop"


def test_34_every_option_of_the_older_documents(front):
    options = {
        "num_keep": 5, "seed": 42, "num_predict": 4, "top_k": 20, "top_p": 0.9, "min_p": 0.0,
        "tfs_z": 0.5, "typical_p": 0.7, "repeat_last_n": 33, "temperature": 0.8,
        "repeat_penalty": 1.2, "presence_penalty": 1.5, "frequency_penalty": 1.0, "mirostat": 1,
        "mirostat_tau": 0.8, "mirostat_eta": 0.6, "penalize_newline": True, "stop": ["\n", "user:"],
        "numa": False, "num_ctx": 1024, "num_batch": 2, "num_gqa": 1, "num_gpu": 1, "main_gpu": 0,
        "low_vram": False, "f16_kv": True, "vocab_only": False, "use_mmap": True,
        "use_mlock": False, "embedding_only": False, "rope_frequency_base": 1.1,
        "rope_frequency_scale": 0.8, "num_thread": 2, "logits_all": False,
    }  # fmt: skip
    generate(front, options=options)
    generate(front, options=dict.fromkeys(options) | {"num_predict": 1})


def test_35_seed(front):
    options = {"seed": 7, "temperature": 0.8, "num_predict": 20}
    assert whole(front, options=options)["response"] == whole(front, options=options)["response"]


@pytest.mark.parametrize("number", [-1, 21])
def test_36_top_logprobs(front, number):
    text = "top_logprobs must be between 0 and 20"
    assert error(generate(front, 400, top_logprobs=number)) == text


def embed(front, expected=200, **fields):
    answer = front.post("/api/embed", json={"model": "guide", "input": QUESTION} | fields)
    assert answer.status_code == expected, answer.text
    return answer


def embeddings(front, expected=200, **fields):
    answer = front.post("/api/embeddings", json={"model": "guide", "prompt": QUESTION} | fields)
    assert answer.status_code == expected, answer.text
    return answer


@pytest.mark.parametrize("model", ["guide", "embedder"])
def test_47_embed(front, model):
    answer = embed(front, model=model, stream=True)
    assert answer.headers["content-type"] == JSON
    body = answer.json()
    assert list(body) == [
        "model", "embeddings", "total_duration", "load_duration", "prompt_eval_count",
    ]  # fmt: skip
    assert body["model"] == model
    (vector,) = body["embeddings"]
    assert math.hypot(*vector) == pytest.approx(1, abs=1e-3)
    assert body["total_duration"] > body["load_duration"] > 0
    pair = embed(front, model=model, input=["Other", QUESTION]).json()["embeddings"]
    assert pair[1] == pytest.approx(vector, abs=0.05)
    assert pair[0] != pytest.approx(vector, abs=0.05)


@pytest.mark.parametrize("nothing", ["", [], None])
def test_48_embed_nothing(front, nothing):
    answer = embed(front, input=nothing)
    assert answer.headers["content-type"] == JSON
    assert answer.json() == {"model": "guide", "embeddings": []}
    assert front.post("/api/embed", json={"model": "guide"}).json() == answer.json()
    assert "guide:latest" in loaded(front)


@pytest.mark.parametrize("wrong", [[1], 1, 0, False, {}, ["a", None]])
def test_49_embed_what_is_no_text(front, wrong):
    assert error(embed(front, 400, input=wrong)) == "invalid input type"
    assert error(embed(front, 400, input=wrong, model="nope")) == "invalid input type"


def test_50_dimensions(front):
    (vector,) = embed(front, dimensions=8).json()["embeddings"]
    assert len(vector) == 8
    assert math.hypot(*vector) == pytest.approx(1, abs=1e-3)


def test_51_embed_on_an_unknown_model(front):
    text = 'model "nope" not found, try pulling it first'
    assert error(embed(front, 404, model="nope")) == text
    assert error(embeddings(front, 404, model="nope")) == text
    assert error(embed(front, 404, model="")) == "model '' not found"
    assert error(embeddings(front, 400, model="")) == "model is required"


def test_52_embeddings(front):
    answer = embeddings(front)
    assert answer.headers["content-type"] == JSON
    body = answer.json()
    assert list(body) == ["embedding", "embeddings"]
    assert body["embedding"] == body["embeddings"]
    assert len(body["embedding"]) == 256
    unit = embed(front).json()["embeddings"][0]
    length = math.hypot(*body["embedding"])
    assert [number / length for number in body["embedding"]] == pytest.approx(unit, abs=1e-4)
    assert embeddings(front, prompt="").json() == {"embedding": [], "embeddings": []}


def test_embed_truncates_unless_told_otherwise(front):
    long = "word " * 3000
    assert embed(front, input=long).json()["prompt_eval_count"] == 2048
    text = "the input length exceeds the context length"
    assert error(embed(front, 400, input=long, truncate=False)) == text


def test_53_tags(front):
    models = front.get("/api/tags").json()["models"]
    assert {"guide:latest", "guide:think", "endless:latest", "embedder:latest"} == {
        model["name"] for model in models
    }
    for model in models:
        assert list(model)[:6] == ["name", "model", "modified_at", "size", "digest", "details"]
        assert re.fullmatch("[0-9a-f]{64}", model["digest"])
    times = [datetime.datetime.fromisoformat(model["modified_at"]) for model in models]
    assert times == sorted(times, reverse=True)


def test_ps_fields(front):
    front.post("/api/generate", json={"model": "guide"})
    assert list(loaded(front)["guide:latest"]) == [
        "name", "model", "size", "digest", "details", "expires_at", "size_vram", "context_length",
    ]  # fmt: skip


def test_queries_are_ignored(front):
    assert front.get("/api/tags?ts=1").json() == front.get("/api/tags").json()
    assert front.post("/api/generate?beta=true", json={"model": "guide"}).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/api/tags/", 301), ("GET", "/api/version/?x=1", 301),
     ("POST", "/api/generate/", 307), ("HEAD", "/api/tags/", 307)],
)  # fmt: skip
def test_trailing_slash(front, method, path, status):
    answer = front.request(method, path)
    assert answer.status_code == status
    followed = front.request(method, path, json={"model": "guide"}, follow_redirects=True)
    assert followed.status_code == 200
    assert followed.url.path.endswith(path.partition("?")[0].rstrip("/"))
