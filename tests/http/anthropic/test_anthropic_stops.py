"""What has stopped an answer is told if the request named it: a model may have stops of its own."""

import json

import pytest
from chat_chunks import last

from ollama_nb.engine.sequence import Finish
from ollama_nb.http import Request, handle
from ollama_nb.service import Stream
from ollama_nb.wire.fold import fold_chat

END = Finish(
    text="", done_reason="stop", tokens=(), prompt_count=1, reused_count=0, prompt_ns=1,
    eval_count=1, eval_ns=1, sample_count=1, sample_ns=1, stopped_by="\n\n",
)  # fmt: skip


class Answering:
    """A service whose answers all end at the same stop."""

    def chat(self, wanted, *, owner):
        stream = Stream(lambda event: [last("Hi.")], fold_chat)
        stream.put(END)
        return stream


def answered(**fields):
    asked = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}
    body = json.dumps(asked | fields).encode()
    return b"".join(handle(Answering(), Request("POST", "/v1/messages", {}, body)).body).decode()


@pytest.mark.parametrize(
    ("stops", "expected"),
    [
        (["x", "\n\n"], ("stop_sequence", "\n\n")),
        (["x"], ("end_turn", None)),
        ([], ("end_turn", None)),
        (None, ("end_turn", None)),
    ],
)
def test_only_a_stop_of_the_requests_own_is_told(stops, expected):
    message = json.loads(answered(stop_sequences=stops))
    assert (message["stop_reason"], message["stop_sequence"]) == expected
    delta = {"stop_reason": expected[0], "stop_sequence": expected[1]}
    told = answered(stop_sequences=stops, stream=True)
    assert f'"delta":{json.dumps(delta, separators=(",", ":"))}' in told
