"""What each route writes, byte for byte but for what differs from run to run: fields and order.

How the lines go over a socket is in ``tests/server/test_wire.py``.
"""

import re
import secrets

import pytest
from contract import JSON, NDJSON, TEXT, delete, generate

TWO_TOKENS = {"temperature": 0, "num_predict": 2}
MESSAGES = [{"role": "user", "content": "hello"}]
PLAIN = "application/json"
METRICS = (
    '"total_duration":1,"load_duration":1,"prompt_eval_count":1,"prompt_eval_duration":1,'
    '"eval_count":2,"eval_duration":1'
)
SAMPLES = ',"sample_count":2,"sample_duration":1'
DETAILS = (
    '"details":{"parent_model":"","format":"gguf","family":"llama","families":["llama"],'
    '"parameter_size":"4.72M","quantization_level":"Q8_0"'
)

MASKS = [
    (r'_at":"\d{4}-\d\d-\d\dT[0-9:.]+(Z|[+-]\d\d:\d\d)"', '_at":"T"'),
    (r'_duration":[1-9]\d*', '_duration":1'),
    (r'"prompt_eval_count":[1-9]\d*', '"prompt_eval_count":1'),
    (r'"context":\[\d+(,\d+)*\]', '"context":[1]'),
    (r'"(response|content)":"(?:[^"\\]|\\.)+"', r'"\1":"R"'),
    (r'"(size|size_vram)":\d+', r'"\1":1'),
    (r"[0-9a-f]{64}", "D"),
    (r"0\.33\.\d+", "V"),
]  # fmt: skip


def masked(text):
    for pattern, by in MASKS:
        text = re.sub(pattern, by, text)
    return text


def body(**fields):
    return {"model": "guide"} | fields


GOLDEN = {
    "heartbeat": ("GET", "/", None, TEXT, "Ollama is running"),
    "version": ("GET", "/api/version", None, JSON, '{"version":"V"}'),
    "status": ("GET", "/api/status", None, JSON, '{"cloud":{"disabled":true,"source":"env"}}'),
    "generate, load": (
        "POST", "/api/generate", body(), JSON,
        '{"model":"guide","created_at":"T","response":"","done":true,"done_reason":"load"}',
    ),
    "generate, unload": (
        "POST", "/api/generate", body(keep_alive=0), JSON,
        '{"model":"guide","created_at":"T","response":"","done":true,"done_reason":"unload"}',
    ),
    "generate, whole": (
        "POST", "/api/generate", body(prompt="hello", stream=False, options=TWO_TOKENS), JSON,
        '{"model":"guide","created_at":"T","response":"R","done":true,"done_reason":"length",'
        f'"context":[1],{METRICS}{SAMPLES}}}',
    ),
    "generate, raw": (
        "POST", "/api/generate", body(prompt="a", raw=True, stream=False, options=TWO_TOKENS), JSON,
        '{"model":"guide","created_at":"T","response":"R","done":true,"done_reason":"length",'
        f"{METRICS}{SAMPLES}}}",
    ),
    "generate, rendered": (
        "POST", "/api/generate", body(prompt="a", raw=True, _debug_render_only=True), JSON,
        '{"model":"guide","created_at":"T","response":"","done":true,'
        '"_debug_info":{"rendered_template":"a"}}',
    ),
    "chat, load": (
        "POST", "/api/chat", body(), JSON,
        '{"model":"guide","created_at":"T","message":{"role":"assistant","content":""},'
        '"done":true,"done_reason":"load"}',
    ),
    "chat, unload": (
        "POST", "/api/chat", body(keep_alive=0), JSON,
        '{"model":"guide","created_at":"T","message":{"role":"assistant","content":""},'
        '"done":true,"done_reason":"unload"}',
    ),
    "chat, whole": (
        "POST", "/api/chat", body(messages=MESSAGES, stream=False, options=TWO_TOKENS), JSON,
        '{"model":"guide","created_at":"T","message":{"role":"assistant","content":"R"},'
        f'"done":true,"done_reason":"length",{METRICS}}}',
    ),
    "embed, load": ("POST", "/api/embed", body(), JSON, '{"model":"guide","embeddings":[]}'),
    "embeddings, load": (
        "POST", "/api/embeddings", body(), JSON, '{"embedding":[],"embeddings":[]}',
    ),
    "copy": ("POST", "/api/copy", {"source": "guide", "destination": "guide"}, None, ""),
    "create, wrong": (
        "POST", "/api/create", {"model": "x"}, JSON,
        '{"error":"neither \'from\' or \'files\' was specified"}',
    ),
    "delete, missing": (
        "DELETE", "/api/delete", {"model": "nope"}, JSON, '{"error":"model \'nope\' not found"}',
    ),
    "embed, missing": (
        "POST", "/api/embed", {"model": "nope"}, JSON,
        '{"error":"model \\"nope\\" not found, try pulling it first"}',
    ),
    "blob, malformed": (
        "POST", "/api/blobs/sha256:0", None, JSON, '{"error":"invalid digest format"}',
    ),
    "unknown path": ("GET", "/api/nothing", None, TEXT, "404 page not found"),
    "wrong method": ("GET", "/api/chat", None, TEXT, "405 method not allowed"),
}  # fmt: skip


@pytest.mark.parametrize("case", GOLDEN)
def test_whole_answers(front, case):
    method, path, sent, kind, expected = GOLDEN[case]
    answer = front.request(method, path, json=sent)
    assert masked(answer.text) == expected
    assert answer.headers.get("content-type") == kind


@pytest.mark.parametrize(
    ("path", "fields", "piece", "last"),
    [
        (
            "/api/generate", {"prompt": "hello"},
            '{"model":"guide","created_at":"T","response":"R","done":false}\n',
            '{"model":"guide","created_at":"T","response":"R?","done":true,"done_reason":"length",'
            f'"context":[1],{METRICS}{SAMPLES}}}\n',
        ),
        (
            "/api/chat", {"messages": MESSAGES},
            '{"model":"guide","created_at":"T","message":{"role":"assistant","content":"R"},'
            '"done":false}\n',
            '{"model":"guide","created_at":"T","message":{"role":"assistant","content":"R?"},'
            f'"done":true,"done_reason":"length",{METRICS}}}\n',
        ),
    ],
)  # fmt: skip
def test_lines(front, path, fields, piece, last):
    answer = front.post(path, json=body(**fields, options=TWO_TOKENS))
    assert answer.headers["content-type"] == NDJSON
    # How many pieces there are, and whether the last line has a text, is the engine's business.
    wanted = f"({re.escape(piece)})*{re.escape(last)}".replace(r"R\?", "R?")
    assert re.fullmatch(wanted, masked(answer.text)), answer.text


def test_tags(front):
    told = masked(front.get("/api/tags").text)
    entry = (
        f'{{"name":"guide:latest","model":"guide:latest","modified_at":"T","size":1,"digest":"D",'
        f'{DETAILS},"context_length":2048,"embedding_length":256}},'
        '"capabilities":["completion","tools","insert"]}'
    )
    assert entry in told


def test_ps(front):
    generate(front, prompt="")
    entry = (
        '{"name":"guide:latest","model":"guide:latest","size":1,"digest":"D",'
        f'{DETAILS}}},"expires_at":"T","size_vram":1,"context_length":2048}}'
    )
    assert entry in masked(front.get("/api/ps").text)


def test_embed(front):
    told = front.post("/api/embed", json=body(input=["a", "b"], dimensions=2)).text
    vector = r"\[-?\d\.\d+(e-\d+)?,-?\d\.\d+(e-\d+)?\]"
    assert re.fullmatch(
        rf'{{"model":"guide","embeddings":\[{vector},{vector}\],"total_duration":1,'
        r'"load_duration":1,"prompt_eval_count":1}',
        masked(told),
    )


def test_create_and_delete(front):
    name = f"golden-{secrets.token_hex(4)}"
    told = front.post("/api/create", json={"model": name, "from": "guide", "system": "S"}).text
    assert re.fullmatch(
        r'(\{"status":"using existing layer sha256:D"\}\n)+'
        r'\{"status":"(creating new|using existing) layer sha256:D"\}\n'
        r'\{"status":"writing manifest"\}\n\{"status":"success"\}\n',
        masked(told),
    ), told
    answer = delete(front, name)
    assert (answer.status_code, answer.content) == (200, b"")
