"""Pull and push of the service: whose names are refused, what work sees, how it ends.

A stand-in takes the registry's place; the real one is met in tests/server and tests/registry.
"""

import threading

import pytest

from ollama_nb.errors import BadRequest, Cancelled, InvalidName
from ollama_nb.service import Service
from ollama_nb.wire import ProgressResponse, PullRequest


class StandIn:
    """Notes what it is asked for; ``script`` says what happens."""

    def __init__(self):
        self.asked = []
        self.script = lambda report, stop: report(ProgressResponse(status="success"))

    def pull(self, name, *, insecure, report, stop):
        self.asked.append((str(name), insecure))
        self.script(report, stop)

    push = pull


@pytest.fixture
def service(models):
    service = Service()
    service._registry = StandIn()
    yield service
    service.close()


@pytest.fixture
def stand_in(service):
    return service._registry


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("llama3", "llama3:latest"),
        (" llama3:8b ", "llama3:8b"),
        ("GUIDE:Think", "guide:think"),
        ("http://127.0.0.1:5000/library/x", "127.0.0.1:5000/library/x:latest"),
        ("hf.co/a/b.c-GGUF:Q4_K_M", "hf.co/a/b.c-GGUF:Q4_K_M"),
        ("x:1:local", "x:1"),
        ("x:cloud", "x:cloud"),
        ("x:20b:cloud", "x:20b-cloud"),
    ],
)
def test_what_is_pulled(service, stand_in, text, name):
    assert list(service.pull(PullRequest(model=text))) == [ProgressResponse(status="success")]
    assert stand_in.asked == [(name, False)]


def test_what_is_pushed(service, stand_in):
    service.push(PullRequest(model="a/GUIDE", insecure=True)).fold()
    assert stand_in.asked == [("a/guide:latest", True)]


@pytest.mark.parametrize("text", ["", " ", "a b", "m:", "/m", "a//b", "../x", "x" * 81, "m@d"])
def test_names_that_are_none(service, stand_in, text):
    with pytest.raises(InvalidName, match=r"^invalid model name$"):
        service.pull(PullRequest(model=text))
    with pytest.raises(BadRequest):
        service.push(PullRequest(model=text))
    assert stand_in.asked == []


def test_nothing_to_push(service):
    with pytest.raises(BadRequest, match=r"^model is required$"):
        service.push(PullRequest())


def test_values_of_the_wrong_type(service):
    with pytest.raises(BadRequest):
        service.pull(PullRequest(model=1))


def test_lines_come_before_what_went_wrong(service, stand_in):
    def script(report, stop):
        report(ProgressResponse(status="pulling manifest"))
        raise BadRequest("broken")

    stand_in.script = script
    lines = iter(service.pull(PullRequest(model="x")))
    assert next(lines).status == "pulling manifest"
    with pytest.raises(BadRequest, match="broken"):
        next(lines)


@pytest.mark.parametrize("end", ["cancel", "close"])
def test_it_is_told_to_stop(service, stand_in, end):
    told = threading.Event()

    def script(report, stop):
        report(ProgressResponse(status="pulling manifest"))
        told.set()
        assert stop.wait(180)
        raise Cancelled

    stand_in.script = script
    stream = service.pull(PullRequest(model="x"))
    assert told.wait(180)
    stream.cancel() if end == "cancel" else service.close()
    with pytest.raises(Cancelled):
        list(stream)
