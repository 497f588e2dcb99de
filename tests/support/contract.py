"""Asking a front as the contract's checks do, and reading what it answers."""

import json

import httpx

JSON = "application/json; charset=utf-8"
NDJSON = "application/x-ndjson"
TEXT = "text/plain; charset=utf-8"
QUESTION = "How do I pull a model?"
GREEDY = {"temperature": 0}
FULL_NAME = "registry.ollama.ai/library/{}:latest"


def post(front: httpx.Client, path: str, body: dict, expected: int = 200) -> httpx.Response:
    """Send a JSON body; the answer, which has the status that was expected."""
    answer = front.post(path, json=body)
    assert answer.status_code == expected, answer.text
    return answer


def generate(front: httpx.Client, expected: int = 200, **fields) -> httpx.Response:
    """Ask the guide its question, unless the fields say otherwise."""
    return post(front, "/api/generate", {"model": "guide", "prompt": QUESTION} | fields, expected)


def generated(front: httpx.Client, **fields) -> dict:
    """The whole answer in one object."""
    return generate(front, stream=False, **fields).json()


def chat(front: httpx.Client, expected: int = 200, **fields) -> httpx.Response:
    """The same as a chat of one message."""
    messages = [{"role": "user", "content": QUESTION}]
    return post(front, "/api/chat", {"model": "guide", "messages": messages} | fields, expected)


def chatted(front: httpx.Client, **fields) -> dict:
    """The whole answer in one object."""
    return chat(front, stream=False, **fields).json()


def embed(front: httpx.Client, expected: int = 200, **fields) -> httpx.Response:
    """Ask for a vector."""
    return post(front, "/api/embed", {"model": "guide", "input": QUESTION} | fields, expected)


def embeddings(front: httpx.Client, expected: int = 200, **fields) -> httpx.Response:
    """Ask for one the older way."""
    return post(front, "/api/embeddings", {"model": "guide", "prompt": QUESTION} | fields, expected)


def show(front: httpx.Client, expected: int = 200, **fields) -> httpx.Response:
    """Ask for all about a model."""
    return post(front, "/api/show", {"model": "guide"} | fields, expected)


def delete(front: httpx.Client, name: str) -> httpx.Response:
    """Remove a model; the answer, whatever it is."""
    return front.request("DELETE", "/api/delete", json={"model": name})


def lines(answer: httpx.Response) -> list[dict]:
    """The objects of a stream, one a line and nothing else."""
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == NDJSON
    assert answer.text.endswith("}\n")
    assert "\n\n" not in answer.text
    return [json.loads(line) for line in answer.text.splitlines()]


def error(answer: httpx.Response) -> str:
    """The text of an error, which is all there is."""
    assert answer.headers["content-type"] == JSON
    (key,) = answer.json()
    assert key == "error"
    return answer.json()["error"]


def tags(front: httpx.Client) -> dict[str, dict]:
    """The models on disk by their names."""
    return {model["name"]: model for model in front.get("/api/tags").json()["models"]}


def loaded(front: httpx.Client) -> dict[str, dict]:
    """The loaded ones by theirs."""
    return {model["name"]: model for model in front.get("/api/ps").json()["models"]}
