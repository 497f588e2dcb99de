"""Whatever comes as a body below /v1: it goes on to the service, or is refused for a reason."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ollama_nb.errors import Busy
from ollama_nb.http import Request, handle
from ollama_nb.wire.codec import check_types
from ollama_nb.wire.openai_chat_types import ChatCompletionMessage, ChatCompletionRequest
from ollama_nb.wire.openai_types import CompletionRequest, OpenAIEmbeddingRequest

KINDS = {
    "/v1/chat/completions": ChatCompletionRequest,
    "/v1/completions": CompletionRequest,
    "/v1/embeddings": OpenAIEmbeddingRequest,
}


class Full:
    """A service that has no time for anybody, once it has understood the request."""

    def __getattr__(self, verb):
        def refuse(request, *, owner):
            check_types(request)
            raise Busy

        return refuse


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda one: st.lists(one, max_size=3) | st.dictionaries(st.text(max_size=5), one, max_size=3),
    max_leaves=8,
)
messages = st.lists(
    st.dictionaries(
        st.sampled_from(ChatCompletionMessage.__struct_fields__), json_values, max_size=3
    ),
    max_size=3,
)


@pytest.mark.parametrize("path", KINDS)
@given(data=st.data())
def test_any_fields(path, data):
    names = st.sampled_from(KINDS[path].__struct_fields__)
    fields = data.draw(st.dictionaries(names, json_values, max_size=4))
    if data.draw(st.booleans()):
        fields["messages"] = data.draw(messages)
    understood(path, json.dumps(fields).encode())


@pytest.mark.parametrize("path", KINDS)
@given(body=st.binary())
def test_any_bytes(path, body):
    understood(path, body)


def understood(path, body):
    answer = handle(Full(), Request("POST", path, {}, body))
    error = json.loads(answer.body)["error"]
    assert answer.status in (400, Busy.status), error
    assert list(error) == ["message", "type", "param", "code"]
