"""Tokens are counted like any other answer: nobody is held up by it, and who leaves stops it."""

import json

from chat_chunks import chunk

from ollama_nb.http import Request, handle
from ollama_nb.service import Stream
from ollama_nb.wire.fold import fold_chat

MESSAGES = [{"role": "user", "content": "hi"}]


class Rendering:
    """A service that is still at it."""

    def __init__(self):
        self.stream = Stream(lambda event: [event], fold_chat)
        self.cancels = 0
        self.stream.bind(self.stop)

    def stop(self):
        self.cancels += 1

    def chat(self, wanted, *, owner):
        return self.stream


def asked(service):
    body = json.dumps({"model": "m", "messages": MESSAGES}).encode()
    return handle(service, Request("POST", "/v1/messages/count_tokens", {}, body))


def test_the_count_comes_when_it_is_there():
    service = Rendering()
    body = asked(service).body
    assert list(body.arrived()) == []
    service.stream.put(chunk(done=True, prompt_eval_count=7))
    assert list(body.arrived()) == [b'{"input_tokens":7}']


def test_who_does_not_wait_for_it_stops_it():
    service = Rendering()
    asked(service).body.cancel()
    assert service.cancels == 1


def test_the_guide_counts(service):
    answer = asked(service)
    assert (answer.status, answer.headers["Content-Type"]) == (404, "application/json")
    body = json.dumps({"model": "guide", "messages": MESSAGES, "thinking": {"type": "enabled"}})
    request = Request("POST", "/v1/messages/count_tokens", {}, body.encode())
    answer = handle(service, request)
    assert (answer.status, answer.headers["Content-Type"]) == (200, "application/json")
    assert json.loads(b"".join(answer.body))["input_tokens"] > 1
