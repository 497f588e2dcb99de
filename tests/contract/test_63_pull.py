"""Checks 63 and 64 of the contract (Ollama API, 17): pull of what cannot be pulled."""

import pytest
from contract import lines

UNKNOWN = "pull model manifest: file does not exist"


def ask(front, verb, name, **fields):
    return front.post(f"/api/{verb}", json={"model": name, "insecure": True} | fields)


def test_63_pull_of_what_is_not_there(front, registry):
    name = f"{registry.host}/library/nothing"
    whole = ask(front, "pull", name, stream=False)
    assert (whole.status_code, whole.json()) == (500, {"error": UNKNOWN})
    streamed = lines(ask(front, "pull", name))
    assert streamed == [{"status": "pulling manifest"}, {"error": UNKNOWN}]


@pytest.mark.parametrize("name", ["", None, " ", "a b", "m:", "../x", "x" * 81])
def test_64_pull_of_what_is_no_name(front, name):
    for stream in (True, False):
        answer = ask(front, "pull", name, stream=stream)
        assert (answer.status_code, answer.json()) == (400, {"error": "invalid model name"})
