"""Checks 65 to 67 of the contract (Ollama API, 17): pages, a full queue, who leaves.

Pages reach servers only, and inside jupyter-server its own rules for them hold.
"""

import itertools
import json
import os
import time
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import closing
from http.client import HTTPConnection

import httpx
import patient_http
import psutil
import pytest
from contract import error, generate, lines, loaded
from fronts import KINDS, own_front
from servers import BEARER

LOCAL = {"Origin": "http://localhost:3000"}
FOREIGN = {"Origin": "https://evil.example"}
ENDLESS = {"model": "endless", "prompt": "x", "options": {"temperature": 0, "num_ctx": 32_768}}
_PATIENCE = 180


def test_65_pages_on_a_port_of_its_own(standalone):
    asked = {"Access-Control-Request-Method": "POST"}
    answer = patient_http.options(f"{standalone.url}/api/chat", headers=LOCAL | asked)
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["access-control-allow-origin"] == LOCAL["Origin"]
    assert answer.headers["access-control-allow-methods"] == (
        "GET,POST,PUT,PATCH,DELETE,HEAD,OPTIONS"
    )
    allowed = answer.headers["access-control-allow-headers"].split(",")
    assert {"Authorization", "Content-Type", "x-api-key", "x-stainless-lang"} <= set(allowed)
    refused = patient_http.options(f"{standalone.url}/api/chat", headers=FOREIGN | asked)
    assert (refused.status_code, refused.content) == (403, b"")


def test_65_pages_inside_jupyter_server(jupyter):
    answer = patient_http.options(f"{jupyter.url}/ollama/api/chat", headers=FOREIGN)
    assert "access-control-allow-origin" not in answer.headers
    # A 404 is its word for a page from elsewhere.
    refused = patient_http.get(f"{jupyter.url}/ollama/api/tags", headers=FOREIGN)
    assert (refused.status_code, error(refused)) == (
        404,
        "requests of pages from other origins are not answered",
    )
    # Who has the token is no foreign page's victim.
    assert patient_http.get(f"{jupyter.url}/ollama/api/tags", headers=BEARER | FOREIGN).is_success


WAIT_AT_THE_DOOR = """
import os, time

while os.path.exists(os.environ["CLOSED_DOOR"]):
    time.sleep(0.01)
"""


@pytest.fixture(scope="module")
def closed_door(tmp_path_factory):
    """A file: where there is one, no Python that is started from now on gets to its work."""
    folder = tmp_path_factory.mktemp("door")
    (folder / "sitecustomize.py").write_text(WAIT_AT_THE_DOOR)
    path = folder / "closed"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(folder), prepend=os.pathsep)
        patch.setenv("CLOSED_DOOR", str(path))
        yield path


@pytest.fixture(scope="module", params=KINDS)
def own(request, tmp_path_factory, stocked, closed_door):
    """A front whose queue takes one request, and the process whose children its models are."""
    root = tmp_path_factory.mktemp("own") / request.param
    with own_front(request.param, root, stocked, OLLAMA_MAX_QUEUE="1") as front:
        yield front


@pytest.fixture
def new_child(own):
    """Wait for a child process that was not there before."""
    parent = psutil.Process(own[1])
    known = {one.pid for one in parent.children()}

    def new_child():
        end = time.monotonic() + _PATIENCE
        while True:
            for one in parent.children():
                if one.pid not in known:
                    return one
            assert time.monotonic() < end

    return new_child


def test_66_a_full_queue(own, new_child, closed_door):
    front, _ = own
    closed_door.touch()
    with ThreadPoolExecutor() as threads:

        def load(model):
            return threads.submit(front.post, "/api/generate", json={"model": model})

        try:
            loading = load("endless")
            new_child()
            others = [load("guide"), load("guide:think")]
            refused, waiting = wait(others, _PATIENCE, return_when=FIRST_COMPLETED)
            (answer,) = [one.result() for one in refused]
            assert answer.status_code == 503
            assert error(answer) == (
                "server busy, please try again.  maximum pending requests exceeded"
            )
            assert not loading.done()
            assert front.get("/api/ps").json() == {"models": []}
        finally:
            closed_door.unlink()
        for one in (loading, *waiting):
            assert one.result().status_code == 200


def test_a_failure_after_the_first_line_is_the_last_line(own, new_child):
    front, _ = own
    generate(front, model="endless", prompt="", keep_alive=0)
    end = time.monotonic() + _PATIENCE
    while loaded(front):
        assert time.monotonic() < end
        generate(front, model="guide", prompt="", keep_alive=0)
        generate(front, model="guide:think", prompt="", keep_alive=0)
    with front.stream("POST", "/api/generate", json=ENDLESS) as answer:
        told = answer.iter_lines()
        assert json.loads(next(told))["done"] is False
        new_child().kill()
        *_, last = told
    assert answer.status_code == 200
    assert list(json.loads(last)) == ["error"]
    served_at_once(front)


def served_at_once(front):
    """The model answers one request at a time: while another one goes on, this would wait."""
    two = ENDLESS["options"] | {"num_predict": 2}
    *_, last = lines(generate(front, **ENDLESS | {"options": two}))
    assert (last["done_reason"], last["eval_count"]) == ("length", 2)


def test_67_who_leaves_a_stream_stops_the_engine(front):
    with front.stream("POST", "/api/generate", json=ENDLESS) as answer:
        told = [json.loads(line) for line in itertools.islice(answer.iter_lines(), 3)]
    assert not any(line["done"] for line in told)
    served_at_once(front)


@pytest.mark.parametrize("front", ["mounted", "standalone"], indirect=True)
def test_67_who_leaves_before_the_answer_stops_it_too(front):
    body = ENDLESS | {"stream": False}
    with pytest.raises(httpx.ReadTimeout):
        front.post("/api/generate", json=body, timeout=httpx.Timeout(_PATIENCE, read=2))
    served_at_once(front)


ONE_AFTER_THE_OTHER = [
    ("GET", "/", None, 200),
    ("HEAD", "/api/tags", None, 200),
    ("GET", "/nothing", None, 404),
    ("PUT", "/api/tags", "{}", 405),
    ("POST", "/api/generate", "{", 400),
    ("GET", "/api/tags/", None, 301),
    ("DELETE", "/api/delete", '{"model":"nope"}', 404),
    ("POST", "/api/copy", '{"source":"guide","destination":"guide"}', 200),
    ("POST", "/api/generate", '{"model":"guide","prompt":"a","options":{"num_predict":2}}', 200),
    ("POST", "/api/embed", '{"model":"guide","input":"a"}', 200),
    ("GET", "/api/ps", None, 200),
]


@pytest.mark.parametrize("kind", ["mounted", "standalone"])
def test_a_connection_serves_one_request_after_the_other(request, kind):
    server = request.getfixturevalue("jupyter" if kind == "mounted" else "standalone")
    prefix = "/user/ann/ollama" if kind == "mounted" else ""
    connection = HTTPConnection(*server.address, timeout=_PATIENCE)
    connection.connect()
    connection.auto_open = 0  # whoever closes it has failed
    with closing(connection):
        for method, path, body, status in ONE_AFTER_THE_OTHER:
            connection.request(method, prefix + path, body, BEARER)
            answer = connection.getresponse()
            answer.read()
            assert answer.status == status, path
