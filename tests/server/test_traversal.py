"""Names and digests that would lead out of the store: refused everywhere, and they lead nowhere."""

import json

import pytest
from raw_http import exchange, request
from servers import BEARER

from ollama_nb.http import ROUTES, Request, handle
from ollama_nb.names import Name

SECRET = "what only its owner may read"
INVALID = 400

NAMES = [
    "../secret", "../../secret", "../" * 40 + "etc/passwd", "/etc/passwd", "//secret", "..", ".",
    "guide/../../secret", "guide:../../secret", "guide:..", "guide:", ":guide", "a/b/c/../d",
    "..\\..\\secret", "C:\\secret", "guide\\..\\secret", "guide\0", "\0", "guide\0.x",
    "%2e%2e%2fsecret", "%2e%2e/secret", "%252e%252e%252fsecret", "..%2fsecret", "..%5csecret",
    "..%00/secret", "\u2025/secret", "\uff0e\uff0e/secret", "\u202e", "file:///../secret",
    "http://../secret", "guide\r\nX-Evil: 1", "guide\nX-Evil: 1", "~/secret", "$HOME",
    "a" * 10_000, "../" * 3_333, "a/" * 5_000, "guide:" + "a" * 10_000,
]  # fmt: skip

ODD = ["guide.", "guide..", "guide:latest.", "guide:latest..", "file:///etc/passwd"]
"""Valid names, of nothing that is there."""

MESSAGES = [{"role": "user", "content": "hi"}]

# Where a body names a model or a blob: @ is the name.
BODIES = {
    "/api/generate": [{"model": "@", "prompt": "hi"}],
    "/api/chat": [{"model": "@", "messages": MESSAGES}],
    "/api/embed": [{"model": "@", "input": "hi"}],
    "/api/embeddings": [{"model": "@", "prompt": "hi"}],
    "/api/show": [{"model": "@"}, {"name": "@"}],
    "/api/create": [
        {"model": "@", "from": "guide"},
        {"model": "made", "from": "@"},
        {"model": "made", "files": {"@": "sha256:@"}},
        {"model": "made", "files": {"a.gguf": "@"}},
        {"model": "made", "files": {"a.gguf": "sha256:@"}},
        {"model": "made", "from": "guide", "adapters": {"a.gguf": "@"}},
    ],
    "/api/copy": [{"source": "@", "destination": "made"}, {"source": "guide", "destination": "@"}],
    "/api/delete": [{"model": "@"}],
    "/api/pull": [{"model": "@"}],
    "/api/push": [{"model": "@"}],
    "/v1/chat/completions": [{"model": "@", "messages": MESSAGES}],
    "/v1/completions": [{"model": "@", "prompt": "hi"}],
    "/v1/embeddings": [{"model": "@", "input": "hi"}],
    "/v1/responses": [{"model": "@", "input": "hi"}],
    "/v1/messages": [{"model": "@", "max_tokens": 9, "messages": MESSAGES}],
    "/v1/messages/count_tokens": [{"model": "@", "messages": MESSAGES}],
}
_MAKING = ("/api/create", "/api/copy", "/api/pull", "/api/push")
LOOKUPS = [path for path in BODIES if path not in _MAKING]

# What a path may end with, as bytes that go out as they are.
ITEMS = [
    b"..", b"../secret", b"../../../../../../etc/passwd", b"%2e%2e", b"%2e%2e%2fsecret",
    b"%2E%2E%2F%2E%2E%2Fsecret", b"%252e%252e%252fsecret", b"..%5c..%5csecret", b"..\\secret",
    b"%00", b"sha256:%00", b"%c0%ae%c0%ae%c0%afsecret", b"%c0%af", b"\xc0\xae\xc0\xaf", b"%",
    b"%zz", b"%u002e", b"sha256:..%2f..%2fsecret", b"sha256-" + b"%2e" * 64, b"sha256:" + b"." * 64,
    b"sha256:" + b"0" * 64 + b".", b"sha256:" + b"0" * 64 + b"%0a", b"sha256:" + b"0" * 63,
    b"sha256:" + b"0" * 64 + b"%2f..%2fsecret", b"sha512:" + b"0" * 64, b"a" * 10_000,
    b"%2e%2e%2f" * 1_111, b"x%0d%0aX-Evil:%201", b";/secret", b"*",
]  # fmt: skip


def filled(body, name):
    """The body with the name in its place."""
    text = json.dumps(body)
    return text.replace("@", json.dumps(name)[1:-1]).encode()


@pytest.fixture
def secret(stocked):
    """A file beside the store, on the way that the names describe."""
    path = stocked.parent / "secret"
    path.write_text(SECRET)
    yield path
    path.unlink(missing_ok=True)


@pytest.fixture
def undisturbed(tmp_path_factory, stocked, secret):
    """Fails a test after which there is anything that was not there before, wherever it is."""
    base = tmp_path_factory.getbasetemp()

    def everything():
        files = {path for path in base.rglob("*") if path.is_file()}
        return {path for path in files if ".npm" not in path.parts}  # of jupyter-server's others

    store = {path: path.read_bytes() for path in stocked.rglob("*") if path.is_file()}
    before = everything()
    yield
    assert everything() == before
    assert {path: path.read_bytes() for path in store} == store


def works(front):
    """Whether a normal request is answered."""
    return front.post("/api/show", json={"model": "guide"}).status_code == 200


def test_every_route_that_takes_a_body_stands_here():
    assert BODIES.keys() == {route.path for route in ROUTES if route.takes is not None}


@pytest.mark.parametrize("path", BODIES)
def test_names_in_bodies(front, path, undisturbed, secret):
    for body in BODIES[path]:
        for name in NAMES:
            answer = front.post(path, content=filled(body, name))
            assert 400 <= answer.status_code < 500, (name, answer.status_code, answer.text)
            assert answer.headers["content-type"].startswith("application/json")
            assert "x-evil" not in answer.headers
            assert SECRET not in answer.text
    assert works(front)


@pytest.mark.parametrize("path", LOOKUPS)
def test_odd_names_are_names_of_nothing(front, path, undisturbed):
    for body in BODIES[path]:
        for name in ODD:
            assert Name.parse(name).valid
            assert front.post(path, content=filled(body, name)).status_code == 404, name
    assert works(front)


def test_an_answer_does_not_tell_whether_a_file_is_there(front, secret):
    def answers():
        names = ("../secret", "../../secret", str(secret), f"file://{secret}")
        bodies = [(path, body) for path in BODIES for body in BODIES[path]]
        for name in names:
            for path, body in bodies:
                answer = front.post(path, content=filled(body, name))
                yield path, name, answer.status_code, without_ids(answer)

    there = list(answers())
    secret.unlink()
    assert list(answers()) == there


def without_ids(answer):
    """The answer, but for what counts requests."""
    told = answer.json()
    told.pop("request_id", None)
    return told


PLACES = [(method, place) for place, methods in (
    ("/api/blobs/", ("HEAD", "POST")), ("/v1/models/", ("GET",)), ("/api/", ("GET", "POST")),
    ("/", ("GET", "POST")),
) for method in methods]  # fmt: skip


@pytest.fixture(params=["mounted", "standalone"])
def server(request):
    """Where to send bytes, and what stands before the contract's paths."""
    if request.param == "mounted":
        return request.getfixturevalue("jupyter").address, b"/user/ann/ollama"
    return request.getfixturevalue("standalone").address, b""


@pytest.mark.parametrize(("method", "place"), PLACES)
def test_items_in_paths(server, method, place, undisturbed, secret):
    address, prefix = server
    for item in ITEMS:
        for query in (b"", b"?x=" + item):
            data = request(method, prefix + place.encode() + item + query, BEARER)
            answer = exchange(address, data)
            assert 400 <= answer.status < 500, (item, answer)
            assert not answer.header("X-Evil")
            assert SECRET.encode() not in answer.body
    assert exchange(address, request("GET", prefix + b"/api/tags", BEARER)).status == 200


@pytest.mark.parametrize("item", ITEMS)
def test_items_in_a_kernel(kernel, item):
    for method, place in PLACES:
        answer = handle(kernel, Request(method, place + item.decode("latin-1"), {}, b"x"))
        assert 400 <= answer.status < 500, (method, place)


@pytest.mark.parametrize("name", [b"no_track_activity", b"token", b"_xsrf", b"x"])
@pytest.mark.parametrize("value", [b"%ff", b"%c0%af", b"%00", b"..%2f", b"%0d%0aX-Evil:%201"])
def test_queries_hold_nothing_that_anybody_trips_over(server, name, value):
    address, prefix = server
    path = prefix + b"/api/version?" + name + b"=" + value
    answer = exchange(address, request("GET", path, BEARER))
    assert answer.status in (200, INVALID), answer
    assert not answer.header("X-Evil")
